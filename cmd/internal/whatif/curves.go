package whatif

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/replica/client/study"
	"kvd/scenarios/sweep/curve"
)

// forms is the files that can be asked for, by flag.
var forms = map[string]func(*curve.Curve, io.Writer) error{"html": (*curve.Curve).Page, "csv": (*curve.Curve).CSV}

// drawable refuses, before anything is read, files that could not be written.
func drawable(c *cli.Context, a *study.Ask) error {
	for flag := range forms {
		if c.IsSet(flag) && len(a.Curve.Skews) == 0 {
			return cliutil.Usage("--"+flag+" with --skew none", "the curves go over the skew of clocks", "leave one of them out")
		}
		if err := cliutil.CheckFile(c, flag, "curves."+flag); err != nil {
			return err
		}
	}
	return nil
}

// Draw writes the curves that --html and --csv ask for.
func Draw(c *cli.Context, r Report) error {
	for flag, render := range forms {
		if c.String(flag) == "" {
			continue
		}
		if err := cliutil.WriteFile(c, flag, "the curves", func(w io.Writer) error { return render(r.Curve(command(c)), w) }); err != nil {
			return err
		}
	}
	return nil
}

func command(c *cli.Context) string {
	text := fmt.Sprintf("%s %s --skew %s --draws %d --seed %d --resolvers %s", c.App.Name, c.Command.Name, c.String("skew"), c.Int("draws"), c.Uint64("seed"), c.String("resolvers"))
	if p := c.String("prefix"); p != "" {
		text += fmt.Sprintf(" --prefix %q", p)
	}
	return text
}

// Curve is what lww would have lost with worse clocks, and beside it, at every skew, what
// those lose that go by no wall clock. hlc and interval go by one in ways that a
// recorded history does not show for other clocks: they are in the report alone.
func (r Report) Curve(command string) *curve.Curve {
	out := &curve.Curve{Scenario: "recorded writes", Title: strings.ReplaceAll(r.about(), "\n", "; "), Axis: "skew", Seeds: r.Ask.Curve.Draws, Seed: r.Ask.Curve.Seed, Draws: true, Command: command}
	out.Notes = append([]string{recordedClocks, sameAtAnySkew, study.Caveat}, r.missing()...)
	for _, p := range r.Points {
		out.Points = append(out.Points, curve.Point{Value: p.Skew.String(), Resolver: "lww", Acked: float64(p.Accepted), Least: p.Least, Lost: p.Mean, Most: p.Most, Losing: p.Losing})
		for i := range r.Outcomes {
			o := &r.Outcomes[i]
			if !clockless[o.Resolver.String()] {
				continue
			}
			lost, inverted, concurrent := o.Inverted+o.Concurrent, float64(o.Inverted), float64(o.Concurrent)
			q := curve.Point{Value: p.Skew.String(), Resolver: o.Resolver.String(), Acked: float64(o.Accepted), Least: lost, Lost: float64(lost), Most: lost, Inverted: &inverted, Concurrent: &concurrent}
			if lost > 0 {
				q.Losing = p.Draws
			}
			out.Points = append(out.Points, q)
		}
	}
	out.Begin("lww")
	for i := range r.Outcomes {
		if name := r.Outcomes[i].Resolver.String(); clockless[name] {
			out.Begin(name)
		}
	}
	return out
}

// clockless is who goes by no wall clock.
var clockless = map[string]bool{"lamport": true, "siblings": true, "causal": true, "counter": true}

const (
	recordedClocks = "0s is the clocks as they were recorded: how far they were off then is not known here, and is part of every point. At every other value each leader's clock is off by up to so much more, either way."
	sameAtAnySkew  = "lamport, siblings, causal and counter go by no wall clock and lose the same at every skew. hlc and interval go by one in ways that a recorded history does not show for other clocks, and are not drawn."
)
