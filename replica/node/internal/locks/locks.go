package locks

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/command"
	"kvd/replica/console"
	"kvd/replica/lease"
	"kvd/replica/member"
	"kvd/replica/node/internal/fields"
	"kvd/replica/node/internal/options"
	"kvd/replica/quorum"
	"kvd/replica/resp"
	"kvd/replica/resp/server"
)

// Config is what the commands are told once.
type Config struct {
	Name string
	Dir  string // the leader's
	FS   vfs.FS // nil: this machine's disk
	// Resumed says that Dir is the very one that this leader left: it is no copy and no older backup.
	Resumed bool
	Profile member.Profile
	Dial    func(ctx context.Context, leader replica.Leader) (net.Conn, error)
	Members func() member.View // that are not forgotten
	Do      func([]*replica.Request, func([]replica.Reply)) error
	Logger  *slog.Logger
}

// Service answers the commands. Whoever made it must call Close.
type Service struct {
	cfg Config
	q   *quorum.Service

	written, refused atomic.Uint64 // writes under a token
}

// Open goes on where the last run ended.
func Open(cfg Config) (*Service, error) {
	s := &Service{cfg: cfg}
	var whole error
	if !cfg.Resumed {
		whole = errors.New("its data may be a copy or an older backup, so that it began a new origin")
	}
	var err error
	s.q, err = quorum.Open(quorum.Config{
		Name: cfg.Name, Dir: filepath.Join(cfg.Dir, "quorum"), FS: cfg.FS, Whole: whole, Local: cfg.Profile == member.Local,
		Dial:    func(ctx context.Context, to string) (net.Conn, error) { return cfg.Dial(ctx, replica.Leader(to)) },
		Members: s.members, Logger: cfg.Logger,
	})
	return s, err
}

func (s *Service) members() []string {
	all := []string{s.cfg.Name}
	for _, m := range s.cfg.Members().Members {
		if m.Name != s.cfg.Name && m.Status != member.Left {
			all = append(all, m.Name)
		}
	}
	return all
}

// Serve takes a connection of another leader. It does not block.
func (s *Service) Serve(_ replica.Leader, c net.Conn) { s.q.Serve(c) }

// Status is the quorum as this leader knows it. It does not wait. A nil Service knows of none.
func (s *Service) Status() console.Quorum {
	if s == nil {
		return console.Quorum{}
	}
	q := s.q.Status()
	c := console.Quorum{Leader: q.Leader, Votes: q.Votes, Leads: q.Leads, LeaderlessSeconds: q.Leaderless.Seconds(), Epoch: q.Epoch, Term: q.Term,
		Locks: q.Locks, LockBytes: q.Bytes, Expired: q.Expired, FencedWrites: s.written.Load(), FencedRefused: s.refused.Load()}
	for _, v := range q.Voters {
		c.Voters = append(c.Voters, v.Name)
	}
	return c
}

// Close ends this leader's part in the quorum.
func (s *Service) Close() error { return s.q.Close() }

// Commands is the rows of the table.
func (s *Service) Commands() map[string]command.Extra {
	return map[string]command.Extra{
		"kvd.lock":     {Arity: -3, Needs: acl.Read | acl.Write, Key: 1, Run: s.lock, Summary: "Takes a lock for so many milliseconds, and answers its token: unique, and greater than every token before it. The same ID again gets the same token; WAIT waits so many milliseconds for who holds it. A majority of the quorum's voters must be there."},
		"kvd.renew":    {Arity: 4, Needs: acl.Read | acl.Write, Key: 1, Run: s.renew, Summary: "Lets a lock that is held under a token last so many milliseconds from now."},
		"kvd.unlock":   {Arity: 3, Needs: acl.Read | acl.Write, Key: 1, Run: s.unlock, Summary: "Releases a lock that is held under a token; for an administrator, under whichever, with ANY. Answers whether it was held."},
		"kvd.lockinfo": {Arity: -1, Needs: acl.Read, Run: s.info, Summary: "Answers which locks are held, or whether one is, by whom and for how long."},
		"kvd.fenced":   {Arity: -5, Needs: acl.Read | acl.Write, Key: 1, Write: s.fenced, Summary: "Sets (SET), deletes (DEL) or adds to (INCR) a key if the lock is held under the token at the moment when this leader accepts the write; FENCED if it is not. The token does not travel: another leader may apply it beside a later holder's write, and the key's resolver judges the two."},
		"kvd.quorum":   {Arity: -1, Needs: acl.Admin, Run: s.quorum, Summary: "Answers who votes about locks; SET names the voters, ANEW makes another quorum in the place of one whose majority is lost for ever."},
	}
}

// timeout is how long a command waits for a majority, beside what it waits for a lock; setTimeout,
// for the voters to be changed.
const (
	timeout    = 5 * time.Second
	setTimeout = 30 * time.Second
)

// ask has the quorum do a command.
func (s *Service) ask(ctx context.Context, c quorum.Command) (quorum.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout+c.Wait)
	defer cancel()
	a, err := s.q.Do(ctx, c)
	switch {
	case errors.Is(err, quorum.ErrNone), errors.Is(err, quorum.ErrNoQuorum):
		return a, resp.Refuse("NOQUORUM", "%v", err)
	case err == nil && a.Code == lease.Full:
		return a, resp.Refuse("LOCKED", "so many locks are held that there is no room for one more; release some")
	}
	return a, err
}

func parseTTL(text []byte) (time.Duration, error) {
	ms, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || ms < lease.MinTTL.Milliseconds() || ms > lease.MaxTTL.Milliseconds() {
		return 0, fmt.Errorf("a lock lasts %d to %d milliseconds, not %.32q", lease.MinTTL.Milliseconds(), lease.MaxTTL.Milliseconds(), text)
	}
	return time.Duration(ms) * time.Millisecond, nil
}

func parseName(b []byte) (lease.Name, error) {
	if len(b) == 0 || len(b) > lease.MaxName {
		return "", fmt.Errorf("the name of a lock has %d bytes; give 1 to %d", len(b), lease.MaxName)
	}
	return lease.Name(b), nil
}

func parseID(id string) error {
	if id == "" || len(id) > lease.MaxID || !utf8.ValidString(id) || strings.ContainsFunc(id, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Errorf("an ID is 1 to %d bytes of printable text; draw one at random for each lock that is wanted", lease.MaxID)
	}
	return nil
}

func (s *Service) lock(ctx context.Context, args [][]byte, w *resp.Writer) error {
	name, err := parseName(args[1])
	c := quorum.Command{Verb: quorum.Lock, Name: name, ID: rand.Text()}
	if err == nil {
		c.TTL, err = parseTTL(args[2])
	}
	var o options.Given
	if err == nil {
		o, err = options.Read(args[3:], options.Option{Name: "ID", Values: 1}, options.Option{Name: "WAIT", Values: 1})
	}
	if err != nil {
		return err
	}
	if o.Has("ID") {
		c.ID = o["ID"][0]
		if err := parseID(c.ID); err != nil {
			return err
		}
	}
	if o.Has("WAIT") {
		ms, err := strconv.ParseUint(o["WAIT"][0], 10, 64)
		if err != nil || ms > uint64(server.Defaults().MaxWait.Milliseconds()) {
			return fmt.Errorf("WAIT is 0 to %d milliseconds, not %.32q", server.Defaults().MaxWait.Milliseconds(), o["WAIT"][0])
		}
		c.Wait = time.Duration(ms) * time.Millisecond
	}
	a, err := s.ask(ctx, c)
	switch {
	case err != nil:
		return err
	case a.Code != lease.Done:
		return resp.Refuse("LOCKED", "%s holds the lock under %s for another %d ms unless it is renewed", a.Lock.ID, a.Lock.Token, a.Lock.Left.Milliseconds())
	}
	writeLock(w, a.Lock)
	return nil
}

func writeLock(w *resp.Writer, l quorum.Holding) {
	w.Map(4)
	w.Text("name")
	w.Bulk([]byte(l.Name))
	fields.Text(w, "token", l.Token.String())
	fields.Text(w, "id", l.ID)
	fields.Number(w, "milliseconds", l.Left.Milliseconds())
}

func parseHeld(args [][]byte) (lease.Name, lease.Token, error) {
	name, err := parseName(args[1])
	if err != nil {
		return "", lease.Token{}, err
	}
	t, err := lease.ParseToken(string(args[2]))
	return name, t, err
}

func (s *Service) renew(ctx context.Context, args [][]byte, w *resp.Writer) error {
	name, t, err := parseHeld(args)
	var ttl time.Duration
	if err == nil {
		ttl, err = parseTTL(args[3])
	}
	if err != nil {
		return err
	}
	a, err := s.ask(ctx, quorum.Command{Verb: quorum.Renew, Name: name, Token: t, TTL: ttl})
	switch {
	case err != nil:
		return err
	case a.Code != lease.Done:
		return over(t, a.Lock)
	}
	writeLock(w, a.Lock)
	return nil
}

// over says that the lock is not held under a token.
func over(t lease.Token, now quorum.Holding) error {
	if now.Token == (lease.Token{}) {
		return resp.Refuse("FENCED", "the lock is not held under %s any more, and nobody holds it", t)
	}
	return resp.Refuse("FENCED", "the lock is not held under %s; %s holds it under %s", t, now.ID, now.Token)
}

func (s *Service) unlock(ctx context.Context, args [][]byte, w *resp.Writer) error {
	c := quorum.Command{Verb: quorum.Unlock}
	var err error
	if strings.EqualFold(string(args[2]), "ANY") {
		if !acl.Of(ctx).May(acl.Admin) {
			return resp.Refuse("NOPERM", "only an administrator releases a lock without its token")
		}
		c.Name, err = parseName(args[1])
	} else {
		c.Name, c.Token, err = parseHeld(args)
	}
	if err != nil {
		return err
	}
	a, err := s.ask(ctx, c)
	if err == nil {
		released := int64(0)
		if a.Code == lease.Done {
			released = 1
		}
		w.Int(released)
	}
	return err
}

func (s *Service) info(ctx context.Context, args [][]byte, w *resp.Writer) error {
	if len(args) > 2 {
		return resp.WrongArity("kvd.lockinfo")
	}
	a, err := s.ask(ctx, quorum.Command{Verb: quorum.List})
	if err != nil {
		return err
	}
	var shown []quorum.Holding
	for _, l := range a.Locks {
		if acl.Of(ctx).Reads(string(l.Name)) && (len(args) == 1 || string(args[1]) == string(l.Name)) {
			shown = append(shown, l)
		}
	}
	w.Array(len(shown))
	for _, l := range shown {
		writeLock(w, l)
	}
	return nil
}

func (s *Service) quorum(ctx context.Context, args [][]byte, w *resp.Writer) error {
	if len(args) > 1 {
		what := strings.ToUpper(string(args[1]))
		if what != "SET" && what != "ANEW" {
			return fmt.Errorf("%.32q is nothing that KVD.QUORUM does; give SET or ANEW and the names of the voters", args[1])
		}
		var names []string
		for _, a := range args[2:] {
			names = append(names, string(a))
		}
		ctx, cancel := context.WithTimeout(ctx, setTimeout)
		defer cancel()
		if _, err := s.q.Set(ctx, names, what == "ANEW"); err != nil {
			return resp.Refuse("NOQUORUM", "%v", err)
		}
	}
	st := s.q.Status()
	w.Map(7)
	fields.List(w, "voters", st.Voters, func(v quorum.Voter) { w.Text(v.Name) })
	fields.TextOrNull(w, "leads", st.Leader)
	fields.Flag(w, "votes", st.Votes)
	fields.Number(w, "epoch", int64(st.Epoch))
	fields.Number(w, "term", int64(st.Term))
	fields.Number(w, "locks", int64(st.Locks))
	fields.Number(w, "expired", int64(st.Expired))
	return nil
}

// fenced writes a key while the lock is held under the token.
func (s *Service) fenced(ctx context.Context, args [][]byte, w *resp.Writer) (logical.Dot, error) {
	name, t, err := parseHeld(args)
	if err != nil {
		return logical.Dot{}, err
	}
	what, err := parseWrite(args[3:])
	if err != nil {
		return logical.Dot{}, err
	}
	q := &replica.Request{Verb: replica.Update, Key: string(args[4])}
	if !acl.Of(ctx).Reaches(q.Key) {
		return logical.Dot{}, server.ErrKeyDenied
	}
	asked := time.Now()
	a, err := s.ask(ctx, quorum.Command{Verb: quorum.Get, Name: name})
	switch {
	case err != nil:
		return logical.Dot{}, err
	case a.Code != lease.Done || a.Lock.Token != t:
		s.refused.Add(1)
		return logical.Dot{}, over(t, a.Lock)
	}
	// The moment that counts is that of the decision, so elapsed time is read in it: it is asked once.
	q.Decide = func(replica.Present) (replica.Write, error) {
		if time.Since(asked) >= a.Lock.Left {
			s.refused.Add(1)
			return replica.Write{}, resp.Refuse("FENCED", "the lease under %s may have ended before this leader accepted the write", t)
		}
		return what, nil
	}
	reply, err := s.write(q)
	if err != nil {
		return logical.Dot{}, err
	}
	s.written.Add(1)
	if what.Verb == replica.Incr {
		w.Bulk(reply.Wrote)
	} else {
		w.Simple("OK")
	}
	return reply.Dot, nil
}

// parseWrite reads SET key value, DEL key or INCR key [delta].
func parseWrite(args [][]byte) (replica.Write, error) {
	switch what := strings.ToUpper(string(args[0])); {
	case what == "SET" && len(args) == 3:
		return replica.Write{Verb: replica.Set, Value: append([]byte{}, args[2]...)}, nil
	case what == "DEL" && len(args) == 2:
		return replica.Write{Verb: replica.Remove}, nil
	case what == "INCR" && len(args) == 2:
		return replica.Write{Verb: replica.Incr, Delta: 1}, nil
	case what == "INCR" && len(args) == 3:
		delta, ok := resp.ParseInt(args[2])
		if !ok {
			return replica.Write{}, resp.ErrNotInteger
		}
		return replica.Write{Verb: replica.Incr, Delta: delta}, nil
	}
	return replica.Write{}, errors.New("what is written under a lock is SET key value, DEL key, or INCR key with or without a number")
}

func (s *Service) write(q *replica.Request) (replica.Reply, error) {
	done := make(chan replica.Reply, 1)
	if err := s.cfg.Do([]*replica.Request{q}, func(r []replica.Reply) { done <- r[0] }); err != nil {
		return replica.Reply{}, err
	}
	r := <-done
	return r, r.Err
}
