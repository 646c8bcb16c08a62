package script

import "slices"

// CheckName says what a check promises.
type CheckName string

const (
	CheckConverged      CheckName = "converged"
	CheckLost           CheckName = "lost"
	CheckAcked          CheckName = "acked"
	CheckSession        CheckName = "session"
	CheckNoResurrection CheckName = "no-resurrection"
	CheckNoOvercount    CheckName = "no-overcount"
	CheckValue          CheckName = "value"
	CheckVisible        CheckName = "visible"
	CheckDurability     CheckName = "durability"
	CheckLog            CheckName = "log"
)

// Guarantee is what a session check promises its client.
type Guarantee string

// The session guarantees of Terry and others (1994), and all four together.
const (
	ReadYourWrites    Guarantee = "read-your-writes"
	MonotonicReads    Guarantee = "monotonic-reads"
	MonotonicWrites   Guarantee = "monotonic-writes"
	WritesFollowReads Guarantee = "writes-follow-reads"
	AllGuarantees     Guarantee = "all"
)

// Kind says when a promise is judged.
type Kind string

// A safety promise is judged on every prefix of the history, and the moment
// that breaks it is named; a liveness promise is judged after settle.
const (
	Safety   Kind = "safety"
	Liveness Kind = "liveness"
)

// Check is one promise. Only the fields its Name uses are set.
type Check struct {
	Notes     Notes
	Name      CheckName
	Key       string      // Lost ("": all keys together), NoResurrection, NoOvercount, Value
	Count     int64       // Lost, Durability, Log
	Value     Opt[string] // Value; not set: the key is absent
	Client    string      // Session
	Guarantee Guarantee   // Session
	First     string      // Visible: no leader applies Then before it has First
	Then      string      // Visible
	For       []string    // resolvers under which the promise is made; none: all
}

// Kind says whether the promise is one of safety or of liveness.
func (c Check) Kind() Kind {
	switch c.Name {
	case CheckSession, CheckNoResurrection, CheckNoOvercount, CheckVisible:
		return Safety
	}
	return Liveness
}

// Applies reports whether the promise is made about keys that the resolver serves.
func (c Check) Applies(resolver string) bool {
	return len(c.For) == 0 || slices.Contains(c.For, resolver)
}

// CheckForm describes one form of the check verb to people, and to the parser how the
// words after its name are read.
type CheckForm struct {
	Name    CheckName
	Usage   string
	Meaning string
	Kind    Kind
	read    func(*parser, *reader, *Check)
}

// Checks lists the forms of the check verb in the order of their table. The
// caller owns the slice.
func Checks() []CheckForm {
	nothing := func(*parser, *reader, *Check) {}
	form := func(name CheckName, usage, meaning string, read func(*parser, *reader, *Check)) CheckForm {
		return CheckForm{name, usage, meaning, Check{Name: name}.Kind(), read}
	}
	return []CheckForm{
		form(CheckConverged, "check converged", "all leaders show the same values for every key", nothing),
		form(CheckLost, "check lost [K] = N", "N acknowledged updates, of key K or of all, are lost", (*parser).checkLost),
		form(CheckAcked, "check acked = accounted", "every acknowledged update is accounted for", (*parser).checkAcked),
		form(CheckSession, "check session A read-your-writes|monotonic-reads|monotonic-writes|writes-follow-reads|all",
			"the client is never shown less than its session entitles it to", (*parser).checkSession),
		form(CheckNoResurrection, "check no-resurrection K", "what was deleted is not brought back by something older", (*parser).checkKey),
		form(CheckNoOvercount, "check no-overcount K", "no increment is applied twice", (*parser).checkKey),
		form(CheckValue, "check value K = V|absent", "every leader shows exactly V, or nothing", (*parser).checkValue),
		form(CheckVisible, "check visible W1 before W2", "on no leader is W2 applied before W1", (*parser).checkVisible),
		form(CheckDurability, "check durability = N", "N acknowledged updates are gone though nothing beat them", (*parser).checkCount),
		form(CheckLog, "check log <= N", "the log of every leader that runs has at most N bytes; in the simulation only", (*parser).checkLog),
	}
}
