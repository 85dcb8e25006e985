"""Request programs from teachers, read the replies and verify the programs: modules that several recipes share."""
