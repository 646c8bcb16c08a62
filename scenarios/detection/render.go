package detection

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"kvd/replica/detect"
)

// Write writes tables and curve as Markdown.
func Write(w io.Writer, traces []Trace) error {
	var b strings.Builder
	b.WriteString("# Fixed timeouts against phi\n\nWritten by `scenario detect`. Beats are due every " + Every.String() + ". The traces:\n\n")
	for i := range traces {
		fmt.Fprintf(&b, "- `%s`: %s, %.1f h\n", traces[i].Name, traces[i].About, traces[i].Hours())
	}
	writeTable(&b, traces)
	writeBest(&b, traces)
	writeCurve(&b, traces)
	b.WriteString(reading)
	_, err := io.WriteString(w, b.String())
	return err
}

const reading = `
How to read it. Phi 8 means that one beat in a hundred million would be so late, if intervals were normally
distributed. Rare long silences, of retransmissions and of processes that stand still, are not: there phi is wrong far
more often than it says. It does not learn from them either, since what is learnt from an outage delays the
notice of the next. So where beats are regular but for rare silences, phi is worth about as much as one fixed
timeout, and a longer timeout (the pause that is allowed, or a threshold of 12) helps there as it does with a fixed one. What
phi has beyond that: it grows by itself where beats are irregular all the time, and it says how sure it is. Nothing that must
be decided once is decided by it, nor by any timeout: a quorum does that.
`

// writeTable is how often each way is wrong on each trace, and how late it is right.
func writeTable(b *strings.Builder, traces []Trace) {
	b.WriteString("\nHow often an hour a leader that is alive is taken for gone, and after how many seconds of silence one that is\ngone is taken for that, on average:\n\n| |")
	for i := range traces {
		fmt.Fprintf(b, " %s |", traces[i].Name)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(traces)) + "\n")
	for _, w := range Ways() {
		fmt.Fprintf(b, "| %s |", w.Name)
		for i := range traces {
			f := w.Measure(&traces[i])
			fmt.Fprintf(b, " %s, %.2f s |", rate(f.Wrong), f.Mean.Seconds())
		}
		b.WriteString("\n")
	}
}

func rate(wrong float64) string {
	if wrong == 0 {
		return "0"
	}
	return fmt.Sprintf("%.1f", wrong)
}

// writeBest compares phi 8, which leaders use everywhere, with a timeout chosen for each trace after the fact.
func writeBest(b *strings.Builder, traces []Trace) {
	fmt.Fprintf(b, "\nPhi %d knows none of the traces beforehand. The least fixed timeout that is wrong no more often, chosen for each\ntrace when it is over:\n\n| | phi %d is wrong an hour | after, mean | after, p99 | fixed that does as well |\n|---|---|---|---|---|\n", detect.Gone, detect.Gone)
	ours := Way{"", func() detector { return accrual{detect.New(detect.Defaults(Every)), detect.Gone} }}
	for i := range traces {
		f := ours.Measure(&traces[i])
		fmt.Fprintf(b, "| %s | %s | %.2f s | %.2f s | %.2f s |\n", traces[i].Name, rate(f.Wrong), f.Mean.Seconds(), f.P99.Seconds(), BestFixed(&traces[i], f.Wrong).Seconds())
	}
}

const (
	curveWidth, curveHeight = 64, 16
	curveSeconds            = 4
)

// writeCurve draws, over all traces together, how often a way is wrong over how late it is right: F is
// fixed timeouts, P is phi from 1 to 12.
func writeCurve(b *strings.Builder, traces []Trace) {
	cells := make([][]byte, curveHeight)
	for i := range cells {
		cells[i] = []byte(strings.Repeat(" ", curveWidth))
	}
	mark := func(w Way, sign byte) {
		wrong, mean := 0.0, 0.0
		for i := range traces {
			f := w.Measure(&traces[i])
			wrong, mean = wrong+f.Wrong/float64(len(traces)), mean+f.Mean.Seconds()/float64(len(traces))
		}
		x, y := int(mean/curveSeconds*curveWidth), int((4-math.Log10(max(wrong, 0.1)))/5*(curveHeight-1)+0.5)
		if x >= 0 && x < curveWidth && y >= 0 && y < curveHeight {
			cells[y][x] = sign
		}
	}
	for d := 250 * time.Millisecond; d < curveSeconds*time.Second; d += 125 * time.Millisecond {
		mark(fixedWay(d), 'F')
	}
	for phi := 1.0; phi <= 12; phi++ {
		mark(Way{"", func() detector { return accrual{detect.New(detect.Defaults(Every)), phi} }}, 'P')
	}
	b.WriteString("\nAll traces together, `F` fixed timeouts, `P` phi from 1 to 12; further left is sooner right, further down more rarely\nwrong:\n\n```\nwrong an hour\n")
	for i, row := range cells {
		label := "      "
		if i%3 == 0 {
			label = fmt.Sprintf("%6g", math.Pow(10, 4-float64(i)/3))
		}
		b.WriteString(label + " │" + strings.TrimRight(string(row), " ") + "\n")
	}
	b.WriteString("       └" + strings.Repeat("─", curveWidth) + "\n        0 s" + strings.Repeat(" ", curveWidth/2-6) + "2 s" + strings.Repeat(" ", curveWidth/2-6) + "4 s\n```\n")
}
