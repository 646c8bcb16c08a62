package wire

import "kvd/logical"

// Hello is how a leader introduces itself. Its layout is frozen: later versions
// of the protocol add messages after it, not fields to it.
type Hello struct {
	VersionMin, VersionMax uint64 // of the protocol spoken after the greeting
	Cluster                string
	Leader                 string
	To                     string         // whom the sender takes the other side for
	Origin                 logical.Origin // of the leader's present incarnation
	Nonce                  uint64         // drawn by the process: tells two of one name apart
	Policy                 string         // resolve.Policy.String()
	RESP, HTTP             string         // where clients and people are served; may be empty
	Frontier               logical.Frontier
}

// Welcome answers a Hello: the version spoken from now on, and how much may be
// sent before the first Credit.
type Welcome struct {
	Version uint64
	Credit  uint64 // in units of Charge
	Hello   Hello  // of whoever accepts
}

// Published is what a client published on a channel of its own. It goes to each peer
// once, from the leader where it was published: nobody keeps it or passes it on.
type Published struct {
	Channel string // any bytes; with Message at most MaxPublished of them
	Message []byte // nobody changes them
}

// Refuse answers a Hello or a Welcome, in words meant for whoever runs the other
// side.
type Refuse struct {
	Reason Reason
	Detail string
}

// Reason is why a leader will not talk to another.
type Reason uint8

// The reasons. Their numbers are on the wire; new ones go at the end.
const (
	OtherCluster   Reason = 1 + iota
	OtherProtocol         // no version is spoken by both
	OtherPolicy           // the same key would be judged by different resolvers
	Itself                // a leader dialled its own name
	OriginTwice           // two live leaders hold one origin
	LostLog               // the other has ops of this origin that its holder no longer has
	NameTaken             // another live process goes by that name
	NotAMember            // not a member here, or not here yet
	WrongLeader           // somebody else answers at that address
	BadCertificate        // the certificate does not name the leader
	Forgotten             // the other was forgotten here, and its data is from before that
	reasons
)

// String is the reason in words.
func (r Reason) String() string {
	if r == 0 || r >= reasons {
		return "unknown reason"
	}
	return [...]string{
		"another cluster", "no common protocol version", "policy differs", "own name",
		"origin held twice", "log lost ops", "name taken", "not a member",
		"another leader at this address", "certificate does not name the leader", "forgotten",
	}[r-1]
}

// Lasting reports whether only an operator can make the reason go away.
func (r Reason) Lasting() bool {
	switch r {
	case NameTaken, NotAMember, WrongLeader:
		return false
	}
	return true
}
