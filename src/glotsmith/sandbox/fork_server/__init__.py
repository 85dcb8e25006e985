"""Fork server (zygote) for warm workers: isolates each warm program in a process forked from a loaded interpreter."""
