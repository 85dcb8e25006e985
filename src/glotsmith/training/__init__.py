"""Train on verified programs (SFT) and on preference pairs (DPO) with TRL and PEFT, by the settings of the papers."""
