package command

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"kvd/replica"
	"kvd/replica/command/edit"
	"kvd/replica/resp"
	"kvd/replica/resp/batch"
	"kvd/replica/resp/server"
)

// objectShows is what OBJECT's subcommands show of a key.
var objectShows = map[string]func(p replica.Present, w *resp.Writer){
	"encoding": func(p replica.Present, w *resp.Writer) { w.Text(encodingOf(p.Reading.Values[0])) },
	"idletime": func(p replica.Present, w *resp.Writer) {
		w.Int(max(0, int64(p.Now.Midpoint().Sub(p.Written)/time.Second)))
	},
	"refcount": func(_ replica.Present, w *resp.Writer) { w.Int(1) },
	"freq": func(_ replica.Present, w *resp.Writer) {
		w.Error("ERR An LFU maxmemory policy is not selected, access frequency not tracked.")
	},
}

func planObject(k *server.Call) (batch.Render, error) {
	return describeKey(k, objectShows[strings.ToLower(string(k.Args[1]))])
}

// describeKey adds an Update that reads how argument 2 is stored. What show needs of the
// value it is shown while it is decided.
func describeKey(k *server.Call, show func(p replica.Present, w *resp.Writer)) (batch.Render, error) {
	reply := resp.Buffer()
	reply.Speak(k.Proto())
	err := k.Decide(k.Args[2], edit.WithOne(k.Picks(k.Args[2]), func(p replica.Present, _ []byte, there bool) (replica.Write, error) {
		if reply.Reset(0); there {
			show(p, &reply)
		} else {
			reply.Null()
		}
		return edit.Nothing()
	}))
	if err == nil {
		k.Last().Describe = true
	}
	return func(w *resp.Writer, _ *batch.Answer) { w.Raw(reply.Bytes()) }, err
}

// maxEmbedded is the longest value that Redis keeps in one piece with its object.
const maxEmbedded = 44

// encodingOf is how Redis would keep a value that was set at once.
func encodingOf(value []byte) string {
	switch _, number := resp.ParseInt(value); {
	case number:
		return "int"
	case len(value) <= maxEmbedded:
		return "embstr"
	}
	return "raw"
}

func planMemory(k *server.Call) (batch.Render, error) {
	switch {
	case !k.Is(1, "USAGE"):
		return nil, k.UnknownSub()
	case len(k.Args) > 3:
		if err := parseSamples(k); err != nil {
			return nil, err
		}
	}
	return describeKey(k, func(p replica.Present, w *resp.Writer) { w.Int(p.Bytes) })
}

// parseSamples reads how many parts of a value to look at: a string has one.
func parseSamples(k *server.Call) error {
	for i := 3; i < len(k.Args); i += 2 {
		if !k.Is(i, "SAMPLES") || i+1 == len(k.Args) {
			return resp.ErrSyntax
		}
		if n, err := k.Int(i + 1); err != nil {
			return err
		} else if n < 0 {
			return resp.ErrSyntax
		}
	}
	return nil
}

func runRandomKey(k *server.Call) error {
	key, found, err := k.Keys().Random(rand.IntN, k.Readable(nil))
	switch {
	case err != nil:
		return err
	case found:
		k.Out.Text(key)
	default:
		k.Out.Null()
	}
	return nil
}

const flushPage = 1000

// runFlush deletes every key that shows a value, by deletions like those of DEL: each
// goes over all that this leader shows of its key. They are many ops, not one, so that
// a key that is written meanwhile may stay.
func runFlush(k *server.Call) error {
	if len(k.Args) > 2 || len(k.Args) == 2 && !k.Is(1, "SYNC") && !k.Is(1, "ASYNC") {
		return resp.ErrSyntax
	}
	ctx, end := k.Context()
	defer end()
	deleted := 0
	for from := ""; ; {
		keys, next, err := k.Keys().Scan(from, flushPage, nil)
		if err == nil {
			err = ctx.Err()
		}
		for left := keys; err == nil && len(left) > 0; {
			left, err = k.UpdateAll(left, edit.RemovePresent) // what exceeded the budget is deleted in the next batch
		}
		switch {
		case err != nil:
			return resp.Error(batch.ErrorText(err) + " (" + strconv.Itoa(deleted) + " keys were deleted before)")
		case next == "":
			return k.OK()
		}
		deleted, from = deleted+len(keys), next
	}
}
