package replica

// Buffered is how many ops the core keeps in memory.
func (c *Core) Buffered() int { return c.gate.Ops() + len(c.fresh) }
