package answers

import (
	"context"
	"fmt"
	"strings"

	"kvd/logical"
	"kvd/replica/acl"
	"kvd/replica/node/internal/fields"
	"kvd/replica/node/internal/options"
	"kvd/replica/resp"
	"kvd/storage/codec"
)

// What one answer of KVD.LOG holds at most, but for one entry that is larger, and
// how many entries of other keys it passes over.
const (
	logBytes  = 1 << 20
	logPassed = 100_000
)

// tellLog is KVD.LOG. It answers what is stored, byte for byte, so that whoever
// reads it may work out anything that this leader could.
func (an *Answers) tellLog(ctx context.Context, args [][]byte, w *resp.Writer) error {
	from, count, prefix, err := readPosition(args)
	if err != nil {
		return err
	}
	b := bundle{prefix: prefix, user: acl.Of(ctx), count: count}
	_, err = an.ask(ctx, func(snap *snapshot) error {
		b.last = snap.applied.At(from.Origin)
		return snap.LogEntries(from.Origin, from.Seq, b.take)
	})
	if err != nil {
		return err
	}
	w.Map(3)
	fields.Text(w, "origin", from.Origin.String())
	fields.List(w, "entries", b.entries, w.Bulk)
	fields.Number(w, "next", int64(b.next))
	return nil
}

func readPosition(args [][]byte) (from logical.Dot, count int, prefix string, err error) {
	from, err = logical.ParseDot(string(args[1]) + "-" + string(args[2]))
	if err != nil {
		return from, 0, "", fmt.Errorf("origin %.64q from %.64q: give an origin as KVD.FRONTIER names it and a sequence number, the first being 1", args[1], args[2])
	}
	o, err := options.Read(args[3:], options.Option{Name: "COUNT", Values: 1}, options.Option{Name: "PREFIX", Values: 1})
	if err != nil {
		return from, 0, "", err
	}
	count, err = o.Count("COUNT", defaultLog, maxLog)
	return from, count, o.One("PREFIX"), err
}

type bundle struct {
	prefix        string
	user          *acl.Rights
	count         int
	last          logical.Seq // what is durable
	bytes, passed int
	entries       [][]byte
	next          logical.Seq // where to go on; zero: at the end
}

// take adds an entry, if its key is asked for, and reports whether more
// fits. What does not fit is where the next bundle begins.
func (b *bundle) take(seq logical.Seq, encoded []byte) (bool, error) {
	switch {
	case seq > b.last:
		return false, nil
	case len(b.entries) == b.count || b.passed == logPassed || b.bytes > 0 && b.bytes+len(encoded) > logBytes:
		b.next = seq
		return false, nil
	}
	if b.prefix != "" || !b.user.Everywhere() {
		op, err := codec.DecodeOp(encoded)
		if err != nil {
			return false, err
		}
		if !strings.HasPrefix(op.Key, b.prefix) || !b.user.Reaches(op.Key) {
			b.passed++
			return true, nil
		}
	}
	b.bytes += len(encoded)
	b.entries = append(b.entries, append([]byte(nil), encoded...))
	return true, nil
}
