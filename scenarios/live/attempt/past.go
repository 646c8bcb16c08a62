package attempt

// past is, for each write, which others are in its past: one bit each.
type past [][]uint64

func (p past) knows(i, j int) bool { return p[i][j/64]>>(j%64)&1 == 1 }

// ancestry follows what writes went over.
func ancestry(writes map[Identity]Evidence, ids []Identity) past {
	index := map[Identity]int{}
	for i, id := range ids {
		index[id] = i
	}
	p := make(past, len(ids))
	for i := range p {
		p[i] = make([]uint64, (len(ids)+63)/64)
	}
	for changed := true; changed; {
		changed = false
		for i, id := range ids {
			for _, o := range writes[id].Over {
				if j, ok := index[o]; ok && p.inherit(i, j) {
					changed = true
				}
			}
		}
	}
	return p
}

// inherit gives i the write j and all its past; true: some of it is new.
func (p past) inherit(i, j int) bool {
	changed := false
	for k, bits := range p[j] {
		if k == j/64 {
			bits |= 1 << (j % 64)
		}
		if bits&^p[i][k] != 0 {
			p[i][k] |= bits
			changed = true
		}
	}
	return changed
}
