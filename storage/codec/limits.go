package codec

import (
	"fmt"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/limits"
	"kvd/wallclock"
)

// What a value may hold at most. Both directions refuse more: a batch at Commit,
// a decoder at once.
const (
	MaxKey      = limits.StoredKey   // bytes
	MaxValue    = limits.StoredValue // bytes
	MaxDots     = limits.Dots        // parents, and hidden, of one op
	MaxDeps     = limits.Origins     // origins of a frontier
	maxVersions = 1 << 20            // of one object
	maxVoids    = 1 << 20            // of one version; a leader lets far fewer come about
	maxEnds     = limits.Origins     // statements of one share's end: one origin makes one at a time
)

// maxUncovered bounds the dots that an op names and its dependencies do not cover:
// no honest op has any. Only they can name origins that deps does not.
const maxUncovered = 8192

// maxOrigins bounds the origins one op can name.
const maxOrigins = 1 + MaxDeps + maxUncovered

// CheckOp says why op cannot be encoded, nil if it can. Whoever makes ops from
// what unknown senders sent asks first.
func CheckOp(o *resolve.Op) error {
	switch {
	case o.Dot.Origin == 0 || o.Dot.Seq == 0:
		return fmt.Errorf("op of key %.64q: dot %s names no operation", o.Key, o.Dot)
	case o.Kind < resolve.Put || o.Kind > resolve.Touch:
		return fmt.Errorf("op %s: kind %d is not known", o.Dot, o.Kind)
	case max(len(o.Parents), len(o.Hidden), len(o.Seen), len(o.Unseen)) > MaxDots:
		return fmt.Errorf("op %s: %d parents, %d hidden, %d totals seen, %d unseen; the limit is %d each", o.Dot, len(o.Parents), len(o.Hidden), len(o.Seen), len(o.Unseen), MaxDots)
	case o.Panel == 0 && len(o.Unseen) > 0:
		return fmt.Errorf("op %s: it says what its author had not been shown, and not who judged it", o.Dot)
	}
	if (o.Settles.Origin == 0) != (o.Settles.Seq == 0) {
		return fmt.Errorf("op %s: it settles %s, which names no operation", o.Dot, o.Settles)
	}
	if err := checkStated(o); err != nil {
		return fmt.Errorf("op %s: %w", o.Dot, err)
	}
	if err := CheckBytes(o.Key, o.Value, o.Wall); err != nil {
		return fmt.Errorf("op %s: %w", o.Dot, err)
	}
	uncovered := 0
	for _, dots := range [3][]logical.Dot{o.Parents, o.Hidden, o.Unseen} {
		for _, d := range dots {
			if d.Origin == 0 || d.Seq == 0 {
				return fmt.Errorf("op %s: parent or hidden dot %s names no operation", o.Dot, d)
			}
			if !o.Deps.Covers(d) {
				uncovered++
			}
		}
	}
	if uncovered > maxUncovered {
		return fmt.Errorf("op %s: %d parents and hidden dots are not among what its leader had applied; the limit is %d", o.Dot, uncovered, maxUncovered)
	}
	return CheckFrontier(o.Deps)
}

// checkStated says why what the op states of deadlines cannot be encoded.
func checkStated(o *resolve.Op) error {
	switch s := o.Stated; {
	case s != resolve.Stamp{} && (s.By.Origin == 0 || s.By.Seq == 0):
		return fmt.Errorf("its deadline is stated by %s, which names no operation", s.By)
	case o.Expired != nil:
		return CheckBytes("", nil, o.Expired.Wall)
	}
	return nil
}

// CheckBytes says why key, value or interval cannot be encoded.
func CheckBytes(key string, value []byte, wall wallclock.Interval) error {
	switch {
	case len(key) > MaxKey:
		return fmt.Errorf("the key has %d bytes; the limit is %d", len(key), MaxKey)
	case len(value) > MaxValue:
		return fmt.Errorf("the value has %d bytes; the limit is %d", len(value), MaxValue)
	case wall.Latest < wall.Earliest || wall.Latest-wall.Earliest < 0:
		return fmt.Errorf("the interval from %d to %d ns ends before it begins", wall.Earliest, wall.Latest)
	}
	return nil
}

// CheckFrontier says why f cannot be encoded.
func CheckFrontier(f logical.Frontier) error {
	if f.Len() > MaxDeps {
		return fmt.Errorf("a frontier of %d origins; the limit is %d", f.Len(), MaxDeps)
	}
	if f.At(0) != 0 {
		return fmt.Errorf("the frontier %s names origin zero", f)
	}
	return nil
}

// CheckObject says why o cannot be encoded.
func CheckObject(o *resolve.Object) error {
	if len(o.Versions) > maxVersions {
		return fmt.Errorf("object %.64q: %d versions; the limit is %d", o.Key, len(o.Versions), maxVersions)
	}
	for i := range o.Versions {
		v := &o.Versions[i]
		if err := checkVersion(o.Key, v); err != nil {
			return fmt.Errorf("object %.64q: version %s: %w", o.Key, v.Dot, err)
		}
		if i > 0 && o.Versions[i-1].Dot.Compare(v.Dot) >= 0 {
			return fmt.Errorf("object %.64q: version %s does not come after %s", o.Key, v.Dot, o.Versions[i-1].Dot)
		}
	}
	return nil
}

func checkVersion(key string, v *resolve.Version) error {
	switch {
	case v.Dot.Origin == 0 || v.Dot.Seq == 0:
		return fmt.Errorf("the dot names no operation")
	case v.Kind < resolve.Put || v.Kind > resolve.Add:
		return fmt.Errorf("kind %d is not known", v.Kind)
	case len(v.Count.Voids) > maxVoids:
		return fmt.Errorf("%d voids; the limit is %d", len(v.Count.Voids), maxVoids)
	case len(v.Count.Deadlines) > maxEnds:
		return fmt.Errorf("%d statements of its end; the limit is %d", len(v.Count.Deadlines), maxEnds)
	}
	return CheckBytes(key, v.Value, v.Wall)
}
