package replica

// Held is how many ops the core keeps in memory.
func (c *Core) Held() int { return c.gate.Ops() + len(c.fresh) }
