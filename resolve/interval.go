package resolve

// bar marks the version with the greatest earliest instant, for [interval]. It
// is no resolver's bit: IDs grow from below.
const watermark Mask = 1 << 15

// interval lets clocks decide what clocks can decide (TrueTime, Corbett et al.
// 2012): a version is gone when another's interval lies wholly after its own.
// What the clocks cannot tell apart, causality does, as in [siblings]; the rest
// are kept side by side. Nothing is lost while claimed errors hold, but what was
// truly earlier and unseen; a clock that lies about its error loses later writes
// too.
//
// It would be simpler to keep every overlapping version, whoever had seen it. But
// then one client that writes a key often makes siblings with itself, as many as
// it writes within the claimed error.
//
// The greatest earliest instant counts even when its version has been
// overwritten: otherwise the order of arrival would decide what lies before it.
// That version, the bar, stays in the object, and is shown when everything that
// had seen it lies wholly before it.
type interval struct{}

// Fold covers what the author had seen, raises the bar, and drops what lies
// wholly before it.
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

// raise makes the new version the bar if it is above the present one.
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

// bar is the index of the bar, -1 if there is none.
func (o *Object) watermark() int {
	for i := range o.Versions {
		if o.Versions[i].Mask&watermark != 0 {
			return i
		}
	}
	return -1
}

// Survivors is what is kept, or else the bar.
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
