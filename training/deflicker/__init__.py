"""How the deflicker head is made: clips, what flickers in them, the network, its trainer."""
