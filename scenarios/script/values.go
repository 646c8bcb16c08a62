package script

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"kvd/scenarios/script/internal/spell"
)

// span says which durations are allowed.
type span struct {
	what   string
	least  time.Duration // zero or one nanosecond; of no use when signed
	signed bool
}

func anySpan() span      { return span{what: "a duration such as 200ms"} }
func positiveSpan() span { return span{what: "a duration above zero such as 200ms", least: 1} }
func signedSpan() span {
	return span{what: "a duration with its sign such as +3ms or -30s", signed: true}
}

// duration reads w as a Go duration of at most maxYears.
func (r *reader) duration(w word, s span) time.Duration {
	d, err := time.ParseDuration(w.text)
	sign := strings.HasPrefix(w.text, "+") || strings.HasPrefix(w.text, "-")
	switch {
	case err != nil || w.quoted, sign && !s.signed, !s.signed && d < s.least:
		r.fail(w, s.what, "")
	case d > maxDuration || d < -maxDuration:
		r.fail(w, fmt.Sprintf("a duration of at most %d years", maxYears), "")
	}
	return d
}

// rate reads a percentage with up to four decimals.
func (r *reader) rate(w word) Rate {
	digits, percent := strings.CutSuffix(w.text, "%")
	whole, decimals, point := strings.Cut(digits, ".")
	n := uint64(0)
	ok := percent && !w.quoted && whole != "" && len(decimals) <= 4 && point == (decimals != "")
	if ok {
		var err error
		n, err = strconv.ParseUint(whole+decimals+strings.Repeat("0", 4-len(decimals)), 10, 31)
		ok = err == nil && n <= 1_000_000
	}
	if !ok {
		r.fail(w, "a percentage from 0% to 100% with at most four decimals", "")
	}
	return Rate(n)
}

func formatRate(r Rate) string {
	text := fmt.Sprintf("%d.%04d", r/10_000, r%10_000)
	return strings.TrimRight(strings.TrimRight(text, "0"), ".") + "%"
}

// drift reads parts per million.
func (r *reader) drift(w word) int64 {
	digits, ppm := strings.CutSuffix(w.text, "ppm")
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ppm || w.quoted || err != nil || n <= -maxDriftPPM || n > maxDriftPPM {
		r.fail(w, "a whole drift such as 200ppm, above -1000000ppm (a clock that stands) and at most 1000000ppm", "")
	}
	return n
}

// strobe reads amplitude/period, or off.
func (r *reader) strobe(w word) Strobe {
	if w.text == "off" {
		return Strobe{}
	}
	amplitude, period, ok := strings.Cut(w.text, "/")
	if !ok {
		r.fail(w, "amplitude/period such as 1s/200ms, or off", "")
		return Strobe{}
	}
	left, right := w, w
	left.raw, left.text = amplitude, amplitude
	right.raw, right.text, right.column = period, period, w.column+len(amplitude)+1
	return Strobe{r.duration(left, positiveSpan()), r.duration(right, positiveSpan())}
}

func formatStrobe(s Strobe) string {
	if s == (Strobe{}) {
		return "off"
	}
	return spell.Duration(s.Amplitude) + "/" + spell.Duration(s.Period)
}

// count reads a whole number from low to high.
func (r *reader) count(w word, low, high int64) int64 {
	n, err := strconv.ParseInt(w.text, 10, 64)
	if err != nil || w.quoted || n < low || n > high {
		r.fail(w, fmt.Sprintf("a whole number from %d to %d", low, high), "")
	}
	return n
}

// amount reads what is added: not zero, within ±maxAmount.
func (r *reader) amount(w word) int64 {
	n, err := strconv.ParseInt(w.text, 10, 64)
	if err != nil || w.quoted || n == 0 || n < -maxAmount || n > maxAmount {
		r.fail(w, fmt.Sprintf("a whole number other than zero, within ±%d", int64(maxAmount)), "")
	}
	return n
}
