"""Training on verified programs: supervised and on preferences, with TRL and PEFT, by the papers' settings."""
