// Package clientop is what a client of a scenario does next: its own read, its write, and the
// same request again at another leader. It sends nothing; the simulation and the player of real
// processes do.
package clientop

import (
	"cmp"
	"strconv"
	"time"

	"kvd/logical"
	"kvd/scenarios/history"
	"kvd/scenarios/merge"
	"kvd/scenarios/script"
	"kvd/scenarios/trace"
)

// maxTries bounds how often a client sends one request.
const maxTries = 20

// Operation is one line of a script that a client carries out, in the simulation or among
// real processes. What it sends is a request: its own read first, where it has one, and
// then its write.
type Operation struct {
	script.ClientOp
	By     script.Client
	Name   string // its label, or one made up from client and number
	Number uint64 // the write's request number
	At     string // leader
	Tries  int
	Read   bool   // the operation's own read is still to be answered
	Exact  bool   // the write says what its author had been shown
	Made   string // update, append: what is written
	Shown  []logical.Dot
}

// Take is the operation of a line; turn counts the repetitions of every, and unnamed the
// operations without a label.
func Take(op script.ClientOp, turn int, unnamed *int) Operation {
	if turn > 0 && op.Kind == script.OpAppend {
		op.Value += strconv.Itoa(turn)
	}
	name := op.Label
	if name == "" {
		*unnamed++
		name = op.Client + "#" + strconv.Itoa(*unnamed)
	}
	return Operation{ClientOp: op, Name: name}
}

// Begin numbers the operation and decides whether it reads first, as a client's own
// read-modify-write does where the key is no counter.
func (op *Operation) Begin(by script.Client, number uint64, at string, counts bool) {
	op.By, op.Number, op.At = by, number, at
	op.Read = op.Kind == script.OpGet || !counts && (op.Kind == script.OpUpdate || op.Kind == script.OpAppend)
	if op.Kind == script.OpAppend && counts {
		op.Amount = 1
	}
}

// Write goes on from the operation's read to its write over what was shown.
func (op *Operation) Write(shown []logical.Dot, made string) {
	op.Read, op.Exact, op.Tries, op.Shown, op.Made = false, true, 0, shown, made
}

// Merged is what the write does to a number.
func (op *Operation) Merged() (merge.Kind, int64) { return merge.Of(&op.ClientOp, op.Exact, op.Made) }

// AnswerTimeout is how long the script lets the client wait for an answer; zero: for ever.
func (op *Operation) AnswerTimeout() time.Duration { return cmp.Or(op.Timeout, op.By.Timeout) }

// Again turns to the leader that the same request goes to next, if the script names one,
// and says how long the client waits before: a refused connection must not spin.
func (op *Operation) Again(s *script.Scenario) (pause time.Duration, again bool) {
	to := s.Again(op.Retry, op.By.Retry, op.At)
	if to == "" || op.Tries >= maxTries {
		return 0, false
	}
	op.At = to
	return time.Duration(op.Tries) * 10 * time.Millisecond, true
}

// ID names the operation's present request for the oracle: an operation's own read is a
// request of its own.
func (op *Operation) ID() string {
	id := op.By.Name + "." + strconv.FormatUint(op.Number, 10)
	if op.Read {
		id += ".read"
	}
	return id
}

// Request is the present request as the oracle records it.
func (op *Operation) Request() history.Request {
	r := history.Request{
		ID: op.ID(), Label: op.Name, Client: op.By.Name, Session: op.By.Session, Leader: op.At, Key: op.Key, Delta: op.Amount,
		Verb: op.Kind, Value: op.Value, Valued: true, Exact: op.Exact, Shown: op.Shown,
	}
	if op.Exact {
		r.Value = op.Made
	}
	if op.Read {
		r.Verb = script.OpGet
	}
	return r
}

// Event is a fact about the present request that its client knows.
func (op *Operation) Event(at time.Duration, k trace.Kind, text string) trace.Event {
	return trace.Event{At: at, Kind: k, Where: op.By.Name, Peer: op.At, Label: op.Name, Key: op.Key, Text: text}
}
