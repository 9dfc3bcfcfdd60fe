"""A take made into a film, pictures or an array: cut into pieces, which are rendered here or elsewhere, and joined.

`plan` makes a job of what is asked for; `jobs` says what a job is and where it may be cut; `piece_renderer` renders one
piece; `piece_folder` keeps the finished ones; `local` renders in processes of this machine, `cluster` on a Ray cluster;
`soundtrack` is the sound.
"""
