package script

import "slices"

// Where says what can run a verb.
type Where string

// Every verb runs in the simulation, against real processes, or in both.
const (
	InSimulation Where = "simulation"
	InLive       Where = "live"
	InBoth       Where = "both"
)

// Position says where in a script a verb may be.
type Position string

const (
	Declaration  Position = "declaration"     // begins a line; read before all others
	SetUpOrTimed Position = "set-up or timed" // begins a line above the first event, or follows a trigger
	Triggering   Position = "trigger"         // begins a line; an action follows
	Timed        Position = "timed"           // follows a trigger
	Operation    Position = "operation"       // follows a trigger and a client's name
	Ending       Position = "ending"          // begins a line; nothing but checks follows
)

// Verb describes a word of the language to people, and to the parser how the words after
// it are read: by exactly one of the functions, the one its position calls for.
type Verb struct {
	Name     string
	Usage    string
	Meaning  string
	Where    Where
	Position Position

	whole   func(*parser, *reader)            // Declaration, Ending
	trigger func(*parser, *reader) Trigger    // Triggering
	act     func(*parser, *reader) Action     // SetUpOrTimed, Timed
	operate func(*parser, *reader, *ClientOp) // Operation
}

// Verbs lists the language in the order of its table: the parser knows no other verbs.
// The caller owns the slice.
func Verbs() []Verb { return slices.Concat(lineVerbs(), actionVerbs(), operationVerbs()) }

func lineVerbs() []Verb {
	whole := func(pos Position, name, usage, meaning string, read func(*parser, *reader)) Verb {
		return Verb{Name: name, Usage: usage, Meaning: meaning, Where: InBoth, Position: pos, whole: read}
	}
	when := func(name, usage, meaning string, read func(*parser, *reader) Trigger) Verb {
		return Verb{Name: name, Usage: usage, Meaning: meaning, Where: InBoth, Position: Triggering, trigger: read}
	}
	return []Verb{
		whole(Declaration, "name", "name N", "what the scenario is called", (*parser).name),
		whole(Declaration, "title", "title TEXT", "one sentence for people, to the end of the line", (*parser).title),
		whole(Declaration, "model", "model timing=synchronous|partially-synchronous|asynchronous nodes=crash-stop|crash-recovery|byzantine",
			"the system model; a fault outside it is refused", (*parser).model),
		whole(Declaration, "leaders", "leaders N1 N2 ...", "the cluster", (*parser).leaders),
		whole(Declaration, "policy", "policy PREFIX=RESOLVER|*[,read=pick][,commit-wait][,doomed=accept|refuse|lift] ...",
			"which resolver serves keys that begin so: * and by default the one under test; read=pick is for plain reads, and clients of a scenario read every value; commit-wait (of interval) acknowledges a write when its stamp is surely past; doomed= is what becomes of a write whose stamp loses where it is accepted (of lww, lamport, hlc, interval)", (*parser).policy),
		whole(Declaration, "shadow", "shadow RESOLVER ...|all", "resolvers that watch every key and record what they would have lost", (*parser).shadow),
		{Name: "settings", Position: Declaration, Where: InSimulation, whole: (*parser).settings, Usage: "settings [quarantine=warn|stamps|all] [quarantine-beyond=D] [gate-ops=N] [window-ops=N] [batch-ops=N] [waiting=N] [max-siblings=N] [history=N] [pinned=N] [max-drift=D] [token-wait=D]",
			Meaning: "of every leader: the writes that it refuses while its clock is in quarantine, and how far outside of what most others can agree on the clock is then (real leaders only warn); ops buffered at the gate, in flight to a peer and in a message, requests that wait for a token, versions side by side, bytes of log that stay when every leader has them, and at most when one lacks them, how far ahead a stamp is followed, how long a token is waited for"},
		whole(Declaration, "seed", "seed N", "all chance follows from N, unless the command line says another", (*parser).seed),
		whole(Declaration, "client", "client A at=N1 [session] [timeout=D] [retry=N2|same|next]",
			"a client at a leader; session carries its token along; without timeout it waits for ever for an answer", (*parser).client),
		when("at", "at T ACTION", "the action happens at true time T", (*parser).at),
		when("after", "after W [seen by N|acked] [+T] ACTION",
			"the action is caused by labelled operation W: its acknowledgement, or leader N having applied it", (*parser).after),
		when("every", "every T times=N [from=T] ACTION", "the action happens N times, T apart", (*parser).every),
		whole(Ending, "settle", "settle T", "faults are frozen; the rest must converge within T", (*parser).settle),
		whole(Ending, "check", "check PROMISE [for RESOLVER ...]", "a promise about all keys, or about those that the named resolvers serve", (*parser).check),
	}
}

func actionVerbs() []Verb {
	act := func(pos Position, name, usage, meaning string, read func(*parser, *reader) Action) Verb {
		return Verb{Name: name, Usage: usage, Meaning: meaning, Where: InBoth, Position: pos, act: read}
	}
	return []Verb{
		act(SetUpOrTimed, "clock", "clock N|* [offset=+D] [drift=200ppm] [error=D] [step=-D] [freeze=D] [strobe=D/D|off]",
			"what a wall clock shows against true time, and the error it claims", (*parser).clock),
		act(SetUpOrTimed, "link", "link N1>N2|* [delay=D] [jitter=D] [loss=P%] [duplicate=P%] [reorder=P%]",
			"the qualities of one direction between leaders, or of all", (*parser).link),
		act(SetUpOrTimed, "partition", "partition N1 | N2 N3", "leaders of different sides cannot reach each other", (*parser).partition),
		act(SetUpOrTimed, "cut", "cut N1>N2|A>N1|A<N1", "one direction drops everything: between leaders, a client's requests, or its replies", (*parser).cut),
		act(Timed, "heal", "heal [N1>N2|A>N1|A<N1]", "cuts and partitions end, everywhere or on one path", (*parser).heal),
		act(Timed, "pause", "pause N D", "a leader's process stands still for D and does not notice", (*parser).pause),
		act(Timed, "crash", "crash N [unsynced=keep|lose|torn]",
			"a leader's process is killed; the fate of unsynced bytes can be chosen in the simulation only", (*parser).crash),
		act(Timed, "restart", "restart N", "a leader starts again on the disk it has; one that runs is killed first", (*parser).restart),
		act(Timed, "wipe", "wipe N", "a leader stops and its disk is emptied; restart starts it again", (*parser).wipe),
		act(Timed, "backup", "backup N as B", "a copy of a leader's disk is kept as B", (*parser).backup),
		act(Timed, "restore", "restore N from B", "a leader stops and its disk is replaced by copy B; restart starts it again", (*parser).restore),
		act(Timed, "clone", "clone N1 to N2", "leader N2 stops and its disk becomes a copy of N1's as it is now; restart starts it again", (*parser).cloneDisk),
		act(Timed, "disk", "disk N full|broken|ok",
			"a leader's disk takes nothing more, or nothing on it can be changed, until it is ok: a leader whose disk was full goes on by itself then, one whose disk was broken is restarted", (*parser).disk),
		act(Timed, "rot", "rot N", "one bit flips in the middle of a leader's log on its disk, which nobody is told of", (*parser).rot),
		{Name: "forget", Position: Timed, Where: InSimulation, act: (*parser).forget, Usage: "forget N",
			Meaning: "the other leaders count on N no more, as after kv admin forget: when it is restarted it begins anew, with what they have"},
	}
}

func operationVerbs() []Verb {
	op := func(name OpKind, usage, meaning string, read func(*parser, *reader, *ClientOp)) Verb {
		return Verb{Name: string(name), Usage: usage, Meaning: meaning, Where: InBoth, Position: Operation, operate: read}
	}
	simulated := func(v Verb) Verb {
		v.Where = InSimulation
		return v
	}
	const tail = " [timeout=D] [retry=N|same|next] [as W]"
	const under = " [under L|fenced L]"
	return []Verb{
		op(OpSet, "A set K V"+under+tail, "the client writes V", (*parser).set),
		op(OpGet, "A get K"+under+tail, "the client reads", (*parser).keyed),
		op(OpDelete, "A delete K"+under+tail, "the client deletes", (*parser).keyed),
		op(OpIncr, "A incr K [by N]"+under+tail, "the leader adds N, or 1", (*parser).incr),
		op(OpUpdate, "A update K +N|-N [pause=D]"+under+tail, "the client reads, adds, and writes with the token it read, and stands still for D in between; under L it does so only if it was given lock L, and fenced L its write is refused once that may be over", (*parser).update),
		op(OpAppend, "A append K ELEMENT [pause=D]"+under+tail,
			"the client reads a set, joins siblings, adds the element, and writes with the token it read; every numbers the element", (*parser).appendElement),
		simulated(op(OpLock, "A lock L ttl=D [wait=D] [redlock]"+tail,
			"the client takes lock L for D, once whoever holds it does not any more, or gives up after wait; a majority of the leaders decides, by elapsed time, and gives a token; redlock instead asks each leader for itself, which goes by its wall clock, and there is no token", (*parser).lock)),
		simulated(op(OpUnlock, "A unlock L"+tail, "the client gives the lock back", (*parser).unlock)),
		simulated(op(OpExpire, "A expire K D"+under+tail,
			"what the key shows ends D later, by the time that the leaders agree on; from then on no read shows it, and the leader that accepted it deletes it", (*parser).expire)),
		simulated(op(OpKeep, "A persist K"+under+tail, "what the key shows has no deadline any more", (*parser).keyed)),
		op(OpGoto, "A goto N", "the client moves to another leader", (*parser).goTo),
	}
}
