"""Ask teachers for programs, read their replies, and verify what they wrote: what several recipes share."""
