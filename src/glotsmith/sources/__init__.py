"""The first stage: find Python functions, and keep those that can become a problem in another language."""
