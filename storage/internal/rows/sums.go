package rows

import (
	"encoding/binary"

	"kvd/logical"
	"kvd/storage/codec"
)

// sumFormat is the version of this layout:
//
//	format, format of the ops that were added up, seq, sum
const sumFormat = 1

// AppendSum appends what a log adds up to as far as seq.
func AppendSum(dst []byte, seq logical.Seq, sum uint64) []byte {
	return codec.Encode(dst).Array(4).Uint(sumFormat).Uint(codec.OpFormat).Uint(uint64(seq)).Uint(sum).Done()
}

// DecodeSum reads what AppendSum wrote. A sum over ops of another format is that of no op.
func DecodeSum(b []byte) (seq logical.Seq, sum uint64, err error) {
	d := codec.NewDecoder("sum", b)
	d.Tuple(4)
	d.Format(sumFormat)
	format := d.Uint()
	seq, sum = logical.Seq(d.Uint()), d.Uint()
	if format != codec.OpFormat {
		seq, sum = 0, 0
	}
	return seq, sum, d.End()
}

// AppendSumKey appends the key of what the log of an origin adds up to at its end.
func AppendSumKey(dst []byte, o logical.Origin) []byte {
	return binary.BigEndian.AppendUint64(append(dst, Sums), uint64(o))
}

// AppendPosition appends how much of the log the database holds: the position, and the ops
// before it.
func AppendPosition(dst []byte, at uint64, f logical.Frontier) []byte {
	return codec.Encode(dst).Array(2).Uint(at).Frontier(f).Done()
}

// DecodePosition reads what AppendPosition wrote.
func DecodePosition[P ~uint64](b []byte) (at P, f logical.Frontier, err error) {
	d := codec.NewDecoder("position", b)
	d.Tuple(2)
	at, f = P(d.Uint()), d.Frontier()
	return at, f, d.End()
}
