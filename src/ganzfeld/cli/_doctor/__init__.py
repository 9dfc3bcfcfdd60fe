"""What `ganzfeld doctor` looks at: one concern a file, each check a function that returns a `Result`."""
