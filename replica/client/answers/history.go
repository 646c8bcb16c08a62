package answers

import "kvd/replica/client"

// Op is one write of a key's history, as the server tells it.
type Op struct {
	Dot, Kind   string
	Value       client.Reply // null for a delete
	Delta       int64
	Wall, Bound int64 // nanoseconds: of Unix time, and of what the clock may be wrong
	Hlc, Client string
	Lamport     int64
	Parents     []string

	Expires int64 // when the value ends; of a deletion: the deadline it had reached; zero: never, or an older server
	Ended   int64 // of such a deletion: the time that the leaders agreed on
}

// OpOf reads a map {dot, kind, value, delta, wall, error, hlc, lamport, parents,
// client, expires, ended}.
func OpOf(r client.Reply) Op {
	return Op{
		Dot: r.Field("dot").Text, Kind: r.Field("kind").Text, Value: r.Field("value"), Delta: r.Field("delta").Number,
		Wall: r.Field("wall").Number, Bound: r.Field("error").Number, Hlc: r.Field("hlc").Text, Lamport: r.Field("lamport").Number,
		Parents: r.Field("parents").Texts(), Client: r.Field("client").Text,
		Expires: r.Field("expires").Number, Ended: r.Field("ended").Number,
	}
}
