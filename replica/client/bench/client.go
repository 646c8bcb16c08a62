package bench

import (
	"context"
	"math/rand/v2"
	"strconv"
	"time"

	"kvd/replica/client"
	"kvd/replica/client/conn"
	"kvd/replica/resp/token"
)

type worker struct {
	*run
	c       *conn.Conn
	dice    *rand.Rand
	key     []byte
	due     schedule
	from    []time.Time // when each command of the group begins to count
	replies int         // bytes that the group's replies will have, about
	times   []time.Duration
	lates   []time.Duration
	shard   int
}

// schedule is when a client's commands are to be sent. The zero schedule is
// always due.
type schedule struct {
	next time.Time
	step time.Duration
}

func newClient(r *run, i int, c *conn.Conn) *worker {
	l := &worker{run: r, c: c, dice: rand.New(rand.NewPCG(r.cfg.Seed, uint64(i))), shard: i % len(r.latency)}
	if r.cfg.Rate > 0 {
		gap := float64(time.Second) / r.cfg.Rate
		l.due = schedule{r.began.Add(time.Duration(gap * float64(i))), time.Duration(gap * float64(r.cfg.Clients))}
	}
	return l
}

// loop sends group after group until the end, which is no error.
func (l *worker) loop(ctx context.Context) error {
	stop := closedBy(ctx, l.c)
	defer stop()
	end := l.began.Add(l.cfg.Duration)
	for {
		more, err := l.wait(ctx, end)
		if err != nil || !more {
			return err
		}
		if l.gather(end) == 0 {
			return nil
		}
		if err := l.exchange(); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return err
		}
	}
}

// wait waits until a command is due; false: the time is over.
func (l *worker) wait(ctx context.Context, end time.Time) (bool, error) {
	now := time.Now()
	if l.timed() && (!now.Before(end) || l.due.step > 0 && !l.due.next.Before(end)) {
		l.miss(end)
		return false, nil
	}
	if l.due.step == 0 || !now.Before(l.due.next) {
		return ctx.Err() == nil, ctx.Err()
	}
	if err := client.Pause(ctx, l.due.next.Sub(now)); err != nil {
		return false, err
	}
	l.lates = append(l.lates, time.Since(l.due.next))
	return true, nil
}

// timed reports whether the run ends after a time rather than a count.
func (l *worker) timed() bool { return l.cfg.Requests == 0 }

// miss counts what was due before the end and is not sent.
func (l *worker) miss(end time.Time) {
	if l.due.step > 0 && l.due.next.Before(end) {
		l.unsent.Add(int64((end.Sub(l.due.next)-1)/l.due.step) + 1)
	}
}

// gather makes the next group of all that is due, and says how large it is.
func (l *worker) gather(end time.Time) int {
	now := time.Now()
	idle := len(l.lates) > 0 // it was waiting, so the first command is as late as its timer
	l.from, l.replies = l.from[:0], 0
	for len(l.from) < l.cfg.Pipeline && l.c.Pending() < conn.BufferBytes && l.replies < conn.BufferBytes {
		from := now
		if l.due.step > 0 {
			if l.due.next.After(now) || l.timed() && !l.due.next.Before(end) {
				break
			}
			if !idle {
				from = l.due.next
			}
		}
		if !l.take() {
			break
		}
		idle = false
		l.from = append(l.from, from)
		l.due.next = l.due.next.Add(l.due.step)
		l.add(l.op())
	}
	return len(l.from)
}

// exchange sends the group, reads its replies and records how long they took.
func (l *worker) exchange() error {
	if err := l.c.SetDeadline(time.Now().Add(l.cfg.Timeout)); err != nil {
		return err
	}
	if err := l.c.Send(); err != nil {
		return err
	}
	l.times = l.times[:0]
	for _, from := range l.from {
		_, err := l.c.Value(nil)
		switch {
		case conn.IsRefused(err):
			l.refuse(err)
		case err != nil:
			return err
		default:
			l.times = append(l.times, time.Since(from))
		}
	}
	l.done.Add(int64(len(l.from)))
	l.latency[l.shard].record(l.times)
	l.run.late[l.shard].record(l.lates)
	l.lates = l.lates[:0]
	return nil
}

func (l *worker) op() Op {
	if l.cfg.Op != Mixed {
		return l.cfg.Op
	}
	switch n := l.dice.IntN(10); {
	case n < 7:
		return Get
	case n < 9:
		return Set
	}
	return Incr
}

func (l *worker) add(o Op) {
	key := l.name(o)
	switch o {
	case Set:
		l.set(key)
	case Get:
		l.c.Literal("*2\r\n$3\r\nGET\r\n")
		l.c.Arg(key)
		l.replies += l.cfg.Size
	case Incr:
		l.c.Literal("*2\r\n$4\r\nINCR\r\n")
		l.c.Arg(key)
	}
	l.replies += 16
}

// set writes a random value over what the leader shows, or, as often as conflicts
// are wanted, over nothing.
func (l *worker) set(key []byte) {
	from := l.dice.IntN(poolSlack)
	value := l.pool[from : from+l.cfg.Size]
	blind := l.cfg.Conflicts > 0 && l.dice.IntN(100) < l.cfg.Conflicts
	if !blind {
		l.c.Literal("*3\r\n$3\r\nSET\r\n")
		l.c.Arg(key)
		l.c.Arg(value)
		return
	}
	l.c.Literal("*5\r\n$7\r\nKVD.SET\r\n")
	l.c.Arg(key)
	l.c.Arg(value)
	l.c.Literal("$5\r\nTOKEN\r\n")
	l.c.Arg([]byte(token.Token{Keyed: true, Key: string(key)}.String()))
	l.replies += blindReply
}

// blindReply is about what the reply to a KVD.SET takes: most of it is a token.
const blindReply = 256

// name is a random key. Numbers have keys of their own.
func (l *worker) name(o Op) []byte {
	kind := "value:"
	if o == Incr {
		kind = "number:"
	}
	l.key = append(append(l.key[:0], l.cfg.Prefix...), kind...)
	l.key = strconv.AppendUint(l.key, l.dice.Uint64N(l.cfg.Keys), 10)
	return l.key
}

// poolSlack is how many values of one size there are.
const poolSlack = 4096

// noise is n bytes that do not compress well.
func noise(n int, seed uint64) []byte {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	dice := rand.New(rand.NewPCG(seed, 1<<63))
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[dice.IntN(len(letters))]
	}
	return b
}
