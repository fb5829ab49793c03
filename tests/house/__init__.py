"""The house rules that a machine can check; a decision record changes one for all."""
