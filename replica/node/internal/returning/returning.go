package returning

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"kvd/replica"
	"kvd/replica/host"
	"kvd/replica/member"
	"kvd/replica/node/internal/identity"
	"kvd/storage"
	"kvd/storage/exported"
)

// Forgotten is why a leader takes no writes that was forgotten while it was away.
const Forgotten replica.Cause = "forgotten"

// Config is what a return is told once.
type Config struct {
	Name, Cluster string
	Dir           string // the data directory; empty: nothing outlives the process
	Renewable     bool   // whoever runs the leader starts it again after Again
	Store         *storage.Store
	Loop          *host.Loop
	Logger        *slog.Logger

	Members   func() member.View
	Forgotten func(name string) bool // another leader, here
	Fetch     func(ctx context.Context, addr string) (*identity.Statement, error)

	Relink func()               // whether there are to be links has changed; see Away
	Admit  func(at int64) error // tells the others that the data is from after the forgetting of that moment
	Again  func()               // ends the leader, which is started again
}

// Return is a leader's way back. Its methods may be called from any goroutine.
type Return struct {
	cfg  Config
	wake chan struct{} // of one: somebody said something

	mu    sync.Mutex
	state State
	said  string // the refusal's words
}

// New is for a leader whose state Begin has read. One that was found to be forgotten
// before takes no writes from now on. Whoever made it calls Run.
func New(cfg Config, s *State) *Return {
	r := &Return{cfg: cfg, state: *s, wake: make(chan struct{}, 1)}
	if s.At != 0 {
		r.refuse("asks the others what they have")
		r.awaitRefused()
	}
	return r
}

// Begun is what the others are told; see member.Config.
func (r *Return) Begun() int64 { return r.now().Begun }

// Away reports whether there are to be no links to others.
func (r *Return) Away() bool { return r != nil && r.now().At != 0 }

func (r *Return) now() State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state
}

// Look lets it find out whether the leader is forgotten: somebody said so, or took it back.
// It does not wait.
func (r *Return) Look() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// every is how often a leader that is forgotten asks the others, and a refused step is tried
// again.
const every = 2 * time.Second

// Run follows what is said until the loop ends.
func (r *Return) Run() {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-r.cfg.Loop.Done():
			return
		case <-r.wake:
		case <-tick.C:
			if !r.Away() {
				continue
			}
		}
		if r.step() {
			r.cfg.Again()
			return
		}
	}
}

// step goes as far as it can, and reports whether the leader is to end.
func (r *Return) step() (again bool) {
	others, why := r.ask()
	word, known := others.word()
	switch {
	case known && (word.Lifted || word.At.UnixNano() <= r.Begun()):
		r.release()
		return false
	case !known && !r.Away():
		return false
	case !known && why == nil:
		why = errors.New("nobody is there who knows that it was forgotten")
	case known && r.hold(word):
		others, why = r.ask() // what was under way to them has gone, or does not go any more
	}
	if why != nil {
		r.refuse("waits to hear what the others have: " + why.Error())
		return false
	}
	return r.part(others)
}

// part leaves the data, once nothing of it is to be lost, and reports whether the leader is
// to end.
func (r *Return) part(others *statements) bool {
	frontier := r.cfg.Loop.Frontier()
	if frontier.Len() == 0 {
		if err := r.obey(); err != nil {
			r.refuse(err.Error() + "; it is tried again")
		}
		return false
	}
	if r.cfg.Dir == "" {
		r.refuse("its data is in memory only, and ends with it: kv admin forget " + r.cfg.Name + " --lift, at another leader, merges what it has")
		return false
	}
	s := r.now()
	if !s.Exported {
		var err error
		if s, err = r.export(others); err != nil {
			r.refuse("what it alone has cannot be exported: " + err.Error() + "; make room, and it is tried again")
			return false
		}
	}
	if s.Writes > 0 {
		r.refuse(s.next(r.cfg.Name))
		return false
	}
	if err := r.order(); err != nil {
		r.refuse(err.Error() + "; it is tried again")
		return false
	}
	if !r.cfg.Renewable {
		r.refuse("the others have all that it has; stop it and start it again, and it begins anew")
	}
	return r.cfg.Renewable
}

// next says what was exported, and what to do.
func (s *State) next(name string) string {
	text := fmt.Sprintf("%d writes that nobody else has are in %s; ", s.Writes, s.File)
	if len(s.Unasked) > 0 {
		text = fmt.Sprintf("%d writes that nobody who could be asked has are in %s (%s could not be asked); ", s.Writes, s.File, strings.Join(s.Unasked, ", "))
	}
	return text + "kv admin return " + name + " lets it begin anew without them, and keeps its former store beside; then kv admin import FILE writes them again. Or kv admin forget " + name + " --lift, at another leader, merges all that it has"
}

// hold begins to be forgotten, and reports whether it was not before. Another word than the
// last one makes what was exported be looked at again.
func (r *Return) hold(word *identity.Forgetting) (began bool) {
	at := word.At.UnixNano()
	r.mu.Lock()
	before := r.state
	if before.At != at {
		r.state = State{Begun: before.Begun, At: at, By: word.By}
	}
	s := r.state
	r.mu.Unlock()
	if before.At == at {
		return false
	}
	if err := r.keep(&s); err != nil {
		r.cfg.Logger.Warn("after a restart the leader finds out once more that it is forgotten", "leader", r.cfg.Name, "why", err.Error())
	}
	r.refuse("asks the others what they have")
	r.cfg.Relink()
	r.awaitRefused()
	return true
}

// release takes writes and has links again: it is not forgotten, or no more.
func (r *Return) release() {
	r.mu.Lock()
	before := r.state
	r.state = State{Begun: before.Begun, File: before.File, Writes: before.Writes, Aside: before.Aside}
	s := r.state
	r.mu.Unlock()
	if before.At == 0 {
		return
	}
	if err := r.keep(&s); err != nil {
		r.cfg.Logger.Warn("the next start asks once more whether the leader is forgotten", "leader", r.cfg.Name, "why", err.Error())
	}
	r.cfg.Logger.Info("the leader is forgotten no more, and takes part as it is", "leader", r.cfg.Name, "exported", before.File)
	r.allow()
}

// obey is for a leader without data: there is nothing to leave.
func (r *Return) obey() error {
	s := r.now()
	s = State{Begun: s.At, File: s.File, Writes: s.Writes, Aside: s.Aside}
	err := r.keep(&s)
	if err == nil {
		err = r.cfg.Admit(s.Begun)
	}
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.state = s
	r.mu.Unlock()
	r.cfg.Logger.Info("was forgotten, and has no data from before", "leader", r.cfg.Name)
	r.allow()
	return nil
}

func (r *Return) allow() {
	r.mu.Lock()
	r.said = ""
	r.mu.Unlock()
	r.cfg.Loop.AllowWrites(Forgotten)
	r.cfg.Relink()
}

// order lets the next start put the store aside.
func (r *Return) order() error {
	r.mu.Lock()
	r.state.Ordered = true
	s := r.state
	r.mu.Unlock()
	return r.keep(&s)
}

func (r *Return) keep(s *State) error {
	if r.cfg.Dir == "" {
		return nil
	}
	return s.write(r.cfg.Dir)
}

// refuse takes no writes, and says how far the return is.
func (r *Return) refuse(how string) {
	r.mu.Lock()
	s := r.state
	text := fmt.Sprintf("it was forgotten on %s, as %s was asked to; %s", moment(s.At), s.By, how)
	same := r.said == text
	r.said = text
	r.mu.Unlock()
	if !same { // each refusal with other words is logged
		r.cfg.Loop.RefuseWrites(replica.Refusal{Cause: Forgotten, Detail: text})
	}
}

// awaitRefused waits until no write is acknowledged any more that the frontier has not.
func (r *Return) awaitRefused() {
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	for !slices.ContainsFunc(r.cfg.Loop.Status().Refusals, func(w replica.Refusal) bool { return w.Cause == Forgotten }) {
		select {
		case <-poll.C:
		case <-r.cfg.Loop.Done():
			return
		}
	}
}

func (r *Return) export(others *statements) (State, error) {
	s := r.now()
	path := filepath.Join(r.cfg.Dir, "unshared-"+time.Unix(0, s.At).UTC().Format("20060102T150405.000000000Z")+".jsonl")
	h := &exported.Header{
		Cluster: r.cfg.Cluster, Leader: r.cfg.Name, Written: time.Now().UTC(), Asked: others.names(), Unasked: others.unasked,
		Because: fmt.Sprintf("%s was forgotten on %s, as %s was asked to", r.cfg.Name, moment(s.At), s.By),
	}
	n, err := export(r.cfg.Store, path, h, r.cfg.Loop.Frontier(), others.have(), r.ended)
	if err != nil {
		return s, err
	}
	s.Exported, s.Writes, s.Unasked = true, n, others.unasked
	if n > 0 {
		s.File = path
	}
	if err := r.keep(&s); err != nil {
		return s, err
	}
	r.mu.Lock()
	r.state = s
	r.mu.Unlock()
	r.cfg.Logger.Warn("was forgotten: what nobody else has is exported", "leader", r.cfg.Name, "writes", n, "file", s.File, "asked", strings.Join(h.Asked, ","), "unasked", strings.Join(h.Unasked, ","))
	return s, nil
}

func (r *Return) ended() bool {
	select {
	case <-r.cfg.Loop.Done():
		return true
	default:
		return false
	}
}

// What an order is refused for.
var (
	ErrNotForgotten = errors.New("the leader is not forgotten, as far as it knows")
	ErrNotYet       = errors.New("what nobody else has is not exported yet")
)

// Order is the operator's word: the leader is to begin anew. What it returns says where its
// writes are. Whoever gave it ends the leader when that was answered.
func (r *Return) Order() (State, error) {
	switch s := r.now(); {
	case s.At == 0:
		return s, ErrNotForgotten
	case !s.Exported:
		r.mu.Lock()
		defer r.mu.Unlock()
		return s, fmt.Errorf("%w: %s", ErrNotYet, r.said)
	}
	err := r.order()
	return r.now(), err
}
