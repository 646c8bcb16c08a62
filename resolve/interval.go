package resolve

// watermark marks the version with the greatest earliest instant, for [interval]. It
// is no resolver's bit: IDs grow from below.
const watermark Mask = 1 << 15

// interval lets clocks decide what clocks can decide (TrueTime, Corbett et al.
// 2012): a version is gone when another's interval lies wholly after its own.
// Where intervals overlap, causality decides, as in [siblings]; what is concurrent too is
// kept side by side. While claimed errors hold, only writes are lost that were truly
// earlier and unseen; a clock that lies about its error loses later writes too.
//
// It would be simpler to keep every overlapping version, whoever had seen it. But
// then one client that writes a key often makes siblings with itself, as many as
// it writes within the claimed error.
//
// The greatest earliest instant counts even when its version has been
// overwritten: otherwise the order of arrival would decide what lies before it.
// That version, the low watermark, stays in the object, and is shown when everything that
// had seen it lies wholly before it.
type interval struct{}

// Fold covers what the author had seen, raises the watermark, and drops what
// lies wholly before it.
func (interval) Fold(f *Folding) {
	f.live(true)
	f.raiseWatermark()
	vs := f.Object.Versions
	top := &vs[f.Object.watermark()]
	for i := range vs {
		if vs[i].Mask&f.Bit != 0 && vs[i].Wall.Before(top.Wall) {
			vs[i].Mask &^= f.Bit
		}
	}
}

// raiseWatermark makes the new version the watermark if it is above the present one.
func (f *Folding) raiseWatermark() {
	vs, at := f.Object.Versions, f.Object.watermark()
	if at < 0 || higher(&vs[f.New], &vs[at]) {
		if at >= 0 {
			vs[at].Mask &^= watermark
		}
		vs[f.New].Mask |= watermark
	}
}

// higher compares by the earliest instant, then by dot: no reader is shown the
// difference.
func higher(v, w *Version) bool {
	if v.Wall.Earliest != w.Wall.Earliest {
		return v.Wall.Earliest > w.Wall.Earliest
	}
	return v.Dot.Compare(w.Dot) > 0
}

// watermark is the index of the watermark, -1 if there is none.
func (o *Object) watermark() int {
	for i := range o.Versions {
		if o.Versions[i].Mask&watermark != 0 {
			return i
		}
	}
	return -1
}

// Survivors is what is kept, or else the watermark.
func (interval) Survivors(o *Object, bit Mask, dst []int) []int {
	was := len(dst)
	dst = kept(o, bit, dst)
	if at := o.watermark(); len(dst) == was && at >= 0 {
		dst = append(dst, at)
	}
	return dst
}

// Loses is true: what one clock calls earlier may not have been seen.
func (interval) Loses() bool { return true }
