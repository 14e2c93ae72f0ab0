"""Whatever can be trained, behind one interface: BDGF and what it is compared with."""
