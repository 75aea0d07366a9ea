"""How accurate a network is on chips: the protocol, its units of work, their statistics, and the report."""
