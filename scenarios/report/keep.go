package report

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"kvd/scenarios"
	"kvd/scenarios/history"
	"kvd/scenarios/oracle"
	"kvd/scenarios/trace"
	"kvd/wallclock"
)

// maxKeptEvents bounds the traces kept of one comparison, about 20 MB. The
// script, the resolver and the seed bring every other trace back.
const maxKeptEvents = 60_000

// KeptRun is where a run was written to.
type KeptRun struct {
	Folder  string
	LeftOut int // traces too long to be kept beside the others
}

// Keep writes what a run found under dir/NAME-TIME: matrix.json, matrix.md and
// each result's trace as JSON lines, and more, files by name; the trace of a lone result
// is kept however long it is. dir/latest then points to the folder. A folder of that name
// that exists is left alone, and the new one is numbered; one that could not be
// written to its end is removed.
func Keep(dir, name string, at time.Time, blocks []Block, more map[string]func(io.Writer) error) (KeptRun, error) {
	folder, err := reserve(dir, name+"-"+at.UTC().Format("20060102-150405"))
	if err != nil {
		return KeptRun{}, fmt.Errorf("keep run: %w", err)
	}
	files, left := contents(blocks)
	maps.Copy(files, more)
	err = fill(folder, files)
	if err != nil {
		// Half a run says less than none, and the disk may be full.
		return KeptRun{}, fmt.Errorf("keep run: %w", errors.Join(err, os.RemoveAll(folder)))
	}
	if err := point(filepath.Join(dir, "latest"), filepath.Base(folder)); err != nil {
		return KeptRun{}, fmt.Errorf("keep run: %w", err)
	}
	return KeptRun{folder, left}, nil
}

func fill(folder string, files map[string]func(io.Writer) error) error {
	for _, name := range sortedKeys(files) {
		if err := write(filepath.Join(folder, name), files[name]); err != nil {
			return err
		}
	}
	return nil
}

func contents(blocks []Block) (files map[string]func(io.Writer) error, left int) {
	results := together(blocks)
	files = map[string]func(io.Writer) error{
		"matrix.json": func(w io.Writer) error { return array(w, results, false) },
		"matrix.md":   func(w io.Writer) error { return Markdown(w, blocks) },
	}
	budget := maxKeptEvents // of events
	for _, r := range results {
		if r.Trace == nil {
			continue
		}
		if r.Trace.Len() > budget && len(results) > 1 {
			left++
			continue
		}
		budget -= r.Trace.Len()
		files["trace-"+r.Scenario+"-"+r.Resolver+".jsonl"] = func(w io.Writer) error { return errors.Join(writeTrace(w, r.Trace), writeLosses(w, r.Losses)) }
	}
	return files, left
}

func together(blocks []Block) []*scenarios.Result {
	var all []*scenarios.Result
	for _, b := range blocks {
		all = append(all, b.Results...)
	}
	return all
}

// reserve makes a folder that was not there before.
func reserve(dir, name string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	for i := 1; ; i++ {
		folder := filepath.Join(dir, name)
		if i > 1 {
			folder = fmt.Sprintf("%s-%d", folder, i)
		}
		err := os.Mkdir(folder, 0o755)
		if !errors.Is(err, fs.ErrExist) {
			return folder, err
		}
	}
}

func write(path string, fill func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriter(f)
	err = fill(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	return errors.Join(err, f.Close())
}

// point replaces the symlink at once, so that a reader finds the old run or the
// new one. Where there are no symlinks it becomes a file that holds the name. What
// is neither is somebody else's, and stays.
func point(link, target string) error {
	if info, err := os.Lstat(link); err == nil && !ours(link, info) {
		return fmt.Errorf("%s is there, and leads to no run; move it away", link)
	}
	next := link + "." + target
	if err := os.Symlink(target, next); err != nil {
		if err := os.WriteFile(next, []byte(target+"\n"), 0o644); err != nil {
			return err
		}
	}
	if err := os.Rename(next, link); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	return nil
}

// ours reports whether a link, or a file in place of one, is as point leaves it.
func ours(link string, info fs.FileInfo) bool {
	const maxName = 4 << 10
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		return true
	case !info.Mode().IsRegular() || info.Size() > maxName:
		return false
	}
	text, err := os.ReadFile(link)
	name, ended := strings.CutSuffix(string(text), "\n")
	return err == nil && ended && name == filepath.Base(name) && !strings.ContainsAny(name, " \n")
}

// line is one event of a trace as it is kept; times are nanoseconds of true time
// since the scenario's zero, clocks nanoseconds since 1970 and, exact for who reads
// numbers as floating point, RFC 3339.
type line struct {
	At           int64    `json:"at"`
	Kind         string   `json:"kind"`
	Where        string   `json:"where,omitempty"`
	Peer         string   `json:"peer,omitempty"`
	Label        string   `json:"label,omitempty"`
	Other        string   `json:"other,omitempty"`
	Key          string   `json:"key,omitempty"`
	Values       []string `json:"values,omitempty"`
	Dot          string   `json:"dot,omitempty"`
	Dots         []string `json:"dots,omitempty"`
	Earliest     int64    `json:"earliest,omitempty"`
	Latest       int64    `json:"latest,omitempty"`
	EarliestTime string   `json:"earliest_time,omitempty"`
	LatestTime   string   `json:"latest_time,omitempty"`
	Text         string   `json:"text,omitempty"`
	Again        int      `json:"again,omitempty"` // how often it was sent again in vain, the last time at until
	Until        int64    `json:"until,omitempty"`
}

func writeTrace(w io.Writer, t *trace.Trace) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for e := range t.All() {
		l := line{
			At: int64(e.At), Kind: e.Kind.String(), Where: e.Where, Peer: e.Peer, Label: e.Label, Other: e.Other, Key: e.Key,
			Values: e.Values, Dots: history.Texts(e.Dots), Earliest: int64(e.Clock.Earliest), Latest: int64(e.Clock.Latest), Text: e.Text,
			Again: e.Again, Until: int64(e.Until),
		}
		if e.Clock != (wallclock.Interval{}) {
			l.EarliestTime, l.LatestTime = e.Clock.Earliest.Time().Format(time.RFC3339Nano), e.Clock.Latest.Time().Format(time.RFC3339Nano)
		}
		if !e.Dot.IsZero() {
			l.Dot = e.Dot.String()
		}
		if err := enc.Encode(l); err != nil {
			return fmt.Errorf("write trace: %w", err)
		}
	}
	return nil
}

// writeLosses writes, behind a trace, a line for every update that is lost: at is when its
// author was told that it is durable, other what survives, text its class.
func writeLosses(w io.Writer, losses []oracle.Loss) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, l := range losses {
		if err := enc.Encode(line{At: int64(l.Acked), Kind: "loss", Where: l.Client, Label: l.Label, Other: l.By, Key: l.Key, Dots: l.Dots, Text: string(l.Class)}); err != nil {
			return fmt.Errorf("write losses: %w", err)
		}
	}
	return nil
}
