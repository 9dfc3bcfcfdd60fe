"""What several processes share: time, values and events from outside, frames on their way to viewers, a show's status
and desk."""
