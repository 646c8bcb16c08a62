package token

import (
	"encoding/binary"

	"kvd/logical"
	"kvd/resolve/limits"
)

// A key with many versions side by side has a token that names each of them: what
// its author was shown is what its write goes over, and nothing else. Most of them
// were written one after the other at a few leaders, so they are given as runs:
//
//	number of origins, then for each, ascending:
//	origin (8 bytes), number of runs, then for each: places left out before it, its length
//
// Every set of dots has one such text: neighbours are one run.

func appendRuns(b []byte, dots []logical.Dot) []byte {
	var origins uint64
	for i := range dots {
		if i == 0 || dots[i].Origin != dots[i-1].Origin {
			origins++
		}
	}
	b = binary.AppendUvarint(b, origins)
	for len(dots) > 0 {
		n := 1
		for n < len(dots) && dots[n].Origin == dots[0].Origin {
			n++
		}
		b = appendOriginRuns(b, dots[:n])
		dots = dots[n:]
	}
	return b
}

func appendOriginRuns(b []byte, dots []logical.Dot) []byte {
	runs := uint64(1)
	for i := 1; i < len(dots); i++ {
		if dots[i].Seq != dots[i-1].Seq+1 {
			runs++
		}
	}
	b = binary.AppendUvarint(binary.BigEndian.AppendUint64(b, uint64(dots[0].Origin)), runs)
	last := logical.Seq(0)
	for from := 0; from < len(dots); {
		to := from + 1
		for to < len(dots) && dots[to].Seq == dots[to-1].Seq+1 {
			to++
		}
		b = binary.AppendUvarint(b, uint64(dots[from].Seq-last-1))
		b = binary.AppendUvarint(b, uint64(to-from))
		from, last = to, dots[to-1].Seq
	}
	return b
}

// runs takes what appendRuns wrote: more dots than are ever listed, and no more than
// one write can go over.
func (d *decoder) runs() []logical.Dot {
	var dots []logical.Dot
	last := logical.Origin(0)
	for range d.uvarint() {
		o := logical.Origin(d.fixed())
		if d.bad = d.bad || o <= last; d.bad {
			return nil
		}
		dots, last = d.originRuns(dots, o), o
	}
	if d.bad = d.bad || len(dots) <= maxDots; d.bad {
		return nil
	}
	return dots
}

func (d *decoder) originRuns(dots []logical.Dot, o logical.Origin) []logical.Dot {
	n, last := d.uvarint(), uint64(0)
	d.bad = d.bad || n == 0
	for i := uint64(0); i < n && !d.bad; i++ {
		gap, length := d.uvarint(), d.uvarint()
		left := uint64(limits.Dots - len(dots))
		if d.bad = d.bad || length == 0 || length > left || i > 0 && gap == 0 || gap > ^uint64(0)-last-length; d.bad {
			break
		}
		for range length {
			dots = append(dots, logical.Dot{Origin: o, Seq: logical.Seq(last + gap + 1)})
			last++
		}
		last += gap
	}
	return dots
}
