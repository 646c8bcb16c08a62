package server

import (
	"errors"
	"math/rand/v2"
	"strconv"
	"time"

	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/resp"
)

// objectCommands say how a key is kept.
func objectCommands() []command {
	second := keySpec{2, 2, 1}
	return []command{
		{name: "object", arity: -2, flags: family | read, needs: acl.Read, keys: second, since: "2.2.3", plan: planObject, summary: "Answers how a value would be kept (ENCODING), how many seconds ago it was written (IDLETIME: reads are not counted), and 1 (REFCOUNT)."},
		{name: "randomkey", arity: 1, flags: read | alone, needs: acl.Read, since: "1.0.0", run: runRandomKey, summary: "Answers some key. Every key can come up; those among many whose names begin alike come up less often."},
	}
}

// stateCommands look at the server, or change all of it.
func stateCommands() []command {
	return []command{
		{name: "memory", arity: -2, flags: family | read, needs: acl.Read, keys: keySpec{2, 2, 1}, since: "4.0.0", plan: planMemory, summary: "Answers about how many bytes a key takes in memory, values that are kept and not shown included (USAGE)."},
		{name: "flushall", arity: -1, flags: write | admin | alone | whole, needs: acl.Write | acl.Admin, since: "1.0.0", run: runFlush, summary: "Deletes every key that this leader shows, one after the other, as DEL does; all leaders, SUBSCRIBE and the ledger learn of each. A key that is written meanwhile, here or elsewhere, may stay."},
		{name: "flushdb", arity: -1, flags: write | admin | alone | whole, needs: acl.Write | acl.Admin, since: "1.0.0", run: runFlush, summary: "Deletes every key, as FLUSHALL does: there is one database."},
		{name: "lastsave", arity: 1, flags: fast, needs: acl.Anyone, since: "1.0.0", run: runLastSave, summary: "Answers the present: what was acknowledged is kept as --sync says, and nothing waits to be saved."},
		{name: "role", arity: 1, flags: fast, needs: acl.Anyone, since: "2.8.12", run: runRole, summary: "Answers master, how many writes this leader has applied, and no replicas: every leader takes writes."},
	}
}

// planHelp answers HELP of a family of commands.
func planHelp(lines ...string) (render, error) {
	return func(w *resp.Writer, _ *answer) {
		w.Array(len(lines))
		for _, l := range lines {
			w.Simple(l)
		}
	}, nil
}

func planObject(k *call) (render, error) {
	if k.is(1, "HELP") && len(k.args) == 2 {
		return planHelp("OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
			"ENCODING <key>", "    Answers int, embstr or raw, by the value's look and length.",
			"IDLETIME <key>", "    Answers how many seconds ago the value was written.",
			"REFCOUNT <key>", "    Answers 1.", "HELP", "    Prints this help.")
	}
	var show func(p replica.Present, w *resp.Writer)
	switch {
	case k.is(1, "ENCODING"):
		show = func(p replica.Present, w *resp.Writer) { w.Text(encodingOf(p.Reading.Values[0])) }
	case k.is(1, "IDLETIME"):
		show = func(p replica.Present, w *resp.Writer) {
			w.Int(max(0, int64(p.Now.Midpoint().Sub(p.Written)/time.Second)))
		}
	case k.is(1, "REFCOUNT"):
		show = func(_ replica.Present, w *resp.Writer) { w.Int(1) }
	case k.is(1, "FREQ"):
		show = func(_ replica.Present, w *resp.Writer) {
			w.Error("ERR An LFU maxmemory policy is not selected, access frequency not tracked.")
		}
	default:
		return nil, k.unknownSub()
	}
	if err := k.subArity(3, 3); err != nil {
		return nil, err
	}
	return k.describeKey(show)
}

// describeKey adds an Update that reads how argument 2 is kept. What show needs of the
// value it is shown while it is decided.
func (k *call) describeKey(show func(p replica.Present, w *resp.Writer)) (render, error) {
	reply := resp.Buffer()
	reply.Speak(k.out.Proto())
	pick := k.picks(k.args[2])
	err := k.decide(k.args[2], func(p replica.Present) (replica.Write, error) {
		_, there, err := one(p.Reading, pick)
		reply.Reset(0)
		switch {
		case err != nil:
			return replica.Write{}, err
		case there:
			show(p, &reply)
		default:
			reply.Null()
		}
		return nothing()
	})
	if err == nil {
		k.b.reqs[len(k.b.reqs)-1].Describe = true
	}
	return func(w *resp.Writer, _ *answer) { w.Raw(reply.Bytes()) }, err
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

func planMemory(k *call) (render, error) {
	switch {
	case k.is(1, "HELP") && len(k.args) == 2:
		return planHelp("MEMORY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
			"USAGE <key> [SAMPLES <count>]", "    Answers about how many bytes the key takes in memory.",
			"HELP", "    Prints this help.")
	case !k.is(1, "USAGE"):
		return nil, k.unknownSub()
	case len(k.args) < 3:
		return nil, k.subArity(3, 5)
	case len(k.args) > 3:
		if err := k.samples(); err != nil {
			return nil, err
		}
	}
	show, err := k.describeKey(func(p replica.Present, w *resp.Writer) { w.Int(p.Bytes) })
	return show, err
}

// samples reads how many parts of a value to look at: a string has one.
func (k *call) samples() error {
	for i := 3; i < len(k.args); i += 2 {
		if !k.is(i, "SAMPLES") || i+1 == len(k.args) {
			return resp.ErrSyntax
		}
		if n, err := k.int(i + 1); err != nil {
			return err
		} else if n < 0 {
			return resp.ErrSyntax
		}
	}
	return nil
}

func runRandomKey(k *call) error {
	key, found, err := k.srv.keys.Random(rand.IntN, k.shown(nil))
	switch {
	case err != nil:
		return err
	case found:
		k.w.Text(key)
	default:
		k.w.Null()
	}
	return nil
}

// runLastSave answers the present: what was acknowledged is kept as --sync says, and
// nothing waits to be saved.
func runLastSave(k *call) error {
	k.w.Int(k.srv.cfg.Clock().Unix())
	return nil
}

// runRole answers that every leader takes writes. The others are not its replicas, so
// that none is listed.
func runRole(k *call) error {
	offset := int64(0)
	for d := range k.srv.inspector.Frontier().All() {
		offset += int64(d.Seq)
	}
	k.w.Array(3)
	k.w.Text("master")
	k.w.Int(offset)
	k.w.Array(0)
	return nil
}

// flushPage is how many keys FLUSHALL deletes at a time.
const flushPage = 1000

// runFlush deletes every key that shows a value, by deletions like those of DEL: each
// goes over all that this leader shows of its key. They are many ops, not one, so that
// a key that is written meanwhile may stay.
func runFlush(k *call) error {
	if len(k.args) > 2 || len(k.args) == 2 && !k.is(1, "SYNC") && !k.is(1, "ASYNC") {
		return resp.ErrSyntax
	}
	ctx, end := k.awaited()
	defer end()
	deleted := 0
	for from := ""; ; {
		keys, next, err := k.srv.keys.Scan(from, flushPage, nil)
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = k.deleteAll(keys)
		}
		switch {
		case err != nil:
			return resp.Error(errorText(err) + " (" + strconv.Itoa(deleted) + " keys were deleted before)")
		case next == "":
			k.w.Simple("OK")
			return nil
		}
		deleted, from = deleted+len(keys), next
	}
}

// carry does a batch of one request to each key, and gives the keys whose request found
// no room.
func (c *conn) carry(b *batch, keys []string) (left []string, err error) {
	defer c.land()
	if err := c.prepare(b, false); err != nil {
		return nil, err
	}
	if err := c.submit(b); err != nil {
		return nil, err
	}
	defer c.forget()
	for i := range c.replies {
		switch err := c.replies[i].Err; {
		case errors.Is(err, replica.ErrRoom):
			left = append(left, keys[i])
		case err != nil:
			return nil, err
		}
	}
	return left, nil
}

// deleteAll deletes keys in one batch. What found no room is deleted in the next.
func (k *call) deleteAll(keys []string) error {
	for len(keys) > 0 {
		b := batch{}
		for _, key := range keys {
			r := b.request()
			r.Verb, r.Key, r.Decide, r.Quiet = replica.Update, key, removePresent, true
		}
		left, err := k.carry(&b, keys)
		if err != nil {
			return err
		}
		keys = left
	}
	return nil
}
