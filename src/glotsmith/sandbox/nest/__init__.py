"""Warm programs: ``nest.c`` lives in a sandbox and makes a program's process in a millisecond, isolated as ever."""
