package whatif

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/replica/client/study"
)

// Flags is how it is asked for.
func Flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "prefix", Usage: "only keys that begin with `TEXT`"},
		&cli.StringFlag{Name: "resolvers", Value: "all", Usage: "judge by these: all, or a `LIST` of " + strings.Join(study.Resolvers(), ", ")},
		&cli.StringFlag{Name: "skew", Value: "0,1ms,10ms,100ms,1s", Usage: "what lww would lose with clocks up to each `DURATION` off, with commas; none: do not ask"},
		&cli.IntFlag{Name: "draws", Value: 20, Usage: "draw `N` clusters for each skew"},
		&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "the clocks drawn follow from `N`"},
		&cli.IntFlag{Name: "differences", Value: 10, Usage: "list `N` keys that would show something else, under each resolver"},
		&cli.StringFlag{Name: "memory", Value: "1GiB", Usage: "get by with about `SIZE`; the less, the more often the history is read"},
	}
}

// Asked reads the flags. The error is a *cliutil.Problem.
func Asked(c *cli.Context) (study.Ask, error) {
	a := study.Ask{Prefix: c.String("prefix"), Differences: c.Int("differences")}
	a.Curve.Draws, a.Curve.Seed = c.Int("draws"), c.Uint64("seed")
	for _, f := range []struct {
		name  string
		apply func(*study.Ask, string) error
	}{{"resolvers", resolvers}, {"skew", skews}, {"memory", memory}} {
		if err := f.apply(&a, c.String(f.name)); err != nil {
			return a, cliutil.Usage(fmt.Sprintf("--%s cannot be %q", f.name, c.String(f.name)), err.Error(), c.App.Name+" "+c.Command.Name+" --help says what it takes")
		}
	}
	if a.Differences < 0 || a.Curve.Draws < 1 {
		return a, cliutil.Usage("nothing can be counted so", "--differences must not be below zero, and --draws be at least 1", c.App.Name+" "+c.Command.Name+" --help says more")
	}
	if len(a.Curve.Skews) == 0 {
		a.Curve.Draws = 0
	}
	return a, nil
}

func resolvers(a *study.Ask, text string) error {
	if text == "all" {
		a.AddAll()
		return nil
	}
	for part := range strings.SplitSeq(text, ",") {
		name := strings.TrimSpace(part)
		if err := cliutil.Meant(a.Add(name), name, study.Resolvers()); err != nil {
			return err
		}
	}
	return nil
}

func skews(a *study.Ask, text string) error {
	if text == "none" {
		return nil
	}
	for part := range strings.SplitSeq(text, ",") {
		d, err := time.ParseDuration(strings.TrimSpace(part))
		if err == nil && d < 0 {
			err = errors.New("clocks are off either way; leave out the sign")
		}
		if err != nil {
			return err
		}
		a.Curve.Skews = append(a.Curve.Skews, d)
	}
	return nil
}

func memory(a *study.Ask, text string) (err error) {
	a.Memory, err = bytes(text)
	if err == nil && a.Memory < study.MinMemory {
		err = errors.New("the program itself takes 32MiB")
	}
	return err
}

// bytes reads a size: a number, or one with a unit of bytes.
func bytes(text string) (int64, error) {
	number, factor := text, int64(1)
	for i, unit := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if rest, ok := strings.CutSuffix(text, unit); ok {
			number, factor = rest, int64(1)<<(10*(i+1))
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/factor {
		return 0, fmt.Errorf("%q is no size; write 512MiB, or 1GiB", text)
	}
	return n * factor, nil
}
