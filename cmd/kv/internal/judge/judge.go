package judge

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client/judging"
	"kvd/replica/client/opfile"
	"kvd/scenarios/page"
	"kvd/scenarios/page/observed"
)

const aboutJudge = `Reads a history of operations of any store, as its clients saw it, and says which
acknowledged updates are gone, to what, what each of our resolvers would have lost, and
which clocks would explain it. Nothing is asked of a server. A FILE of - is standard input.

An object a line (jsonl; csv has the same names in its header):
   {"client":"c1","node":"a","key":"k","op":"incr","value":1,"result":7,
    "type":"ok","start":1000,"end":1900}
   op      get, set, update, del, incr, add (an element to a set)
   value   what was written or shown: a text, a list of elements, null for absent
   shown   update, add: what its author had read before and wrote over
   result  incr: the number afterwards, where the reply said it
   type    ok, info (no reply: it may have been done), fail (it was not done)
   start, end   by one clock for all clients: nanoseconds, or RFC 3339
   node, stamp (what the node's clock said), final (the last readings): where known
edn is Jepsen's history.edn, for registers (:read :write :cas) and sets (:add :read).

What cannot be known from the file is counted as unknown and never guessed. The exit code
is 4 if an acknowledged update is gone.

Examples:
   kv record history.jsonl --against redis://10.0.0.1:6379,redis://10.0.0.2:6379
   kv judge history.jsonl
   kv judge history.jsonl --html history.html
   kv judge store/latest/history.edn --losses 50 -o json`

// Specs is both commands.
func Specs() []invoke.Spec { return []invoke.Spec{judgeSpec(), recordSpec()} }

func judgeSpec() invoke.Spec {
	return invoke.Spec{Name: "judge", Usage: "say what any store lost, by what its clients saw", Args: "FILE", About: aboutJudge, Local: true, Least: 1, Most: 1, Do: judge,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", DefaultText: "by the file's name, else jsonl", Usage: "the file is `FORMAT`: " + strings.Join(opfile.Formats(), ", ")},
			&cli.IntFlag{Name: "losses", Value: 10, Usage: "list `N` of the lost updates"},
			&cli.StringFlag{Name: "html", Usage: "write a page that shows the history in space and time to `FILE`; one file, which needs no network"},
			&cli.StringFlag{Name: "memory", Value: "1GiB", Usage: "get by with about `SIZE`; the less, the more often the file is read"},
		}}
}

// asked reads the flags.
func asked(k *invoke.Call) (judging.Ask, error) {
	a := judging.Ask{Path: k.Args().First(), Name: k.Args().First(), Format: k.String("format"), Losses: k.Int("losses")}
	if a.Path == cliutil.Standard {
		a.Stream, a.Name = k.App.Reader, "standard input"
	}
	if a.Format == "" {
		a.Format = opfile.FormatOf(a.Path)
	}
	if err := cliutil.OneOf(a.Format, opfile.Formats()...); err != nil {
		return a, cliutil.Usage(fmt.Sprintf("unknown format %q", a.Format), err.Error(), "kv judge FILE --format jsonl")
	}
	if a.Losses < 0 {
		return a, cliutil.Usage("--losses is below zero", "it says how many to list", "kv judge FILE --losses 10")
	}
	var err error
	if a.Memory, err = cliutil.Bytes(k.String("memory")); err == nil && a.Memory < judging.MinMemory {
		err = fmt.Errorf("the program itself takes %d MiB", judging.MinMemory>>20)
	}
	if err != nil {
		return a, cliutil.Usage(fmt.Sprintf("--memory cannot be %q", k.String("memory")), err.Error(), "kv judge FILE --memory 1GiB")
	}
	return a, nil
}

func judge(k *invoke.Call) error {
	a, err := asked(k)
	if err == nil {
		err = cliutil.CheckFile(k.Context, "html", "history.html")
	}
	if err != nil {
		return err
	}
	progress := cliutil.Progress{}
	if !k.Quiet {
		progress = cliutil.NewProgress(k.App.ErrWriter)
	}
	var story observed.Gatherer
	if k.IsSet("html") {
		a.Seen, a.Each = story.Op, story.Verdict
	}
	report, err := a.Judge(k.Ctx(), func(pass int, bytes int64) {
		text := fmt.Sprintf("read %d MiB", bytes>>20)
		if pass > 1 {
			text += fmt.Sprintf(", for the %d. time", pass)
		}
		progress.Say(text)
	})
	progress.Clear()
	if err != nil {
		return unjudged(a, err)
	}
	if err := put(k, a.Name, report); err != nil {
		return err
	}
	if err := draw(k, &a, &story, report); err != nil {
		return err
	}
	return verdict(a.Name, report)
}

// draw writes the page that --html asks for, if it does and there is anything to draw.
func draw(k *invoke.Call, a *judging.Ask, g *observed.Gatherer, r *judging.Report) error {
	if !k.IsSet("html") || r.Ops == 0 {
		return nil
	}
	err := cliutil.WriteFile(k.Context, "html", "the page", func(w io.Writer) error { return page.Write(w, g.Story(a.Name, r)) })
	if err == nil {
		k.Say("open " + k.String("html") + " in a browser")
	}
	return err
}

// put prints the report.
func put(k *invoke.Call, name string, r *judging.Report) error {
	if k.String("output") != "table" {
		return k.Out.Put(show.Judged(name, r))
	}
	for i := range r.Kinds {
		if err := k.Out.Put(show.JudgedKind(&r.Kinds[i])); err != nil {
			return err
		}
	}
	return nil
}

// verdict is the exit code.
func verdict(name string, r *judging.Report) error {
	if r.Ops == 0 {
		return cliutil.Fail(name+" holds no operation", errors.New("nothing was read that could be judged"), "kv judge --help says what a history looks like")
	}
	if n := r.Lost(); n > 0 {
		return &cliutil.Problem{What: fmt.Sprintf("%s: %s lost", name, show.Count(n, "acknowledged update")), Why: "clients had been told that they were done, and the final readings are without them",
			Next: "--losses N lists them, -o json has all figures", Code: cliutil.Differs}
	}
	return nil
}

// unjudged says what to do where a file cannot be judged.
func unjudged(a judging.Ask, err error) error {
	if m, ok := judging.IsMistakes(err); ok {
		return cliutil.Fail(fmt.Sprintf("%s is no history in %s", a.Name, a.Format), m, "kv judge --help says what a history looks like; --format names another format")
	}
	next := "--memory SIZE allows more"
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		next = "kv record FILE writes one; kv judge FILE reads it"
	case errors.Is(err, judging.ErrOnce):
		next = "kv judge FILE, or --memory SIZE"
	}
	return cliutil.Fail("cannot judge "+a.Name, err, next)
}
