"""Files of weights of Relamp's own networks: how they are written and read, and the ledger of those that ship."""
