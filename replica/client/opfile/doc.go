// Package opfile reads histories of operations that were recorded elsewhere, and writes
// those that we record, for resolve/blackbox to judge.
//
//	file ─▶ lines, rows or forms ─▶ record ─▶ blackbox.Op
//	blackbox.Op ─▶ [Writer] ─▶ file (JSON lines)
//
// # JSON lines
//
// One object a line. Empty lines are skipped, and so are objects with the one field about,
// which is for people.
//
//	client  who asked; a client has one op under way at a time
//	node    who was asked; may be left out where it is not known
//	key     may be left out where there is only one
//	op      get, set, update, del, incr, add
//	value   set, update: what was written; add: the element; incr: the delta, 1 if left out;
//	        get: what was shown: a text, null for absent, a list for a set or siblings
//	shown   update: what the author had been shown before (null: absent);
//	        add: the elements it had been shown, where the set was then written as a whole
//	result  incr: the number afterwards, where the reply said it
//	type    ok (the default), info (no reply: it may have been done), fail (it was not)
//	start   when it was sent, end when the reply came: by one clock for all clients, in
//	        nanoseconds from any beginning, or as RFC 3339. An info needs no end.
//	stamp   what the node's clock said, where that is known
//	final   true for the readings after which nothing more happened
//
// Numbers may be written as numbers or as strings.
//
// # CSV
//
// A header with the same names in any order, then a row an op. An empty cell is a field
// left out; a cell that begins with [ and the cell null are read as JSON, other cells are
// texts as they stand.
//
// # EDN
//
// A history of Jepsen (history.edn): maps with :type, :process, :f, :value and :time, one
// after the other or in one vector, with or without a tag. An invocation and its
// completion become one op. :f is :read, :write, :cas or :add; with independent keys the
// :value is a vector of key and value. Maps of the nemesis are skipped. Jepsen does not
// say which node was asked unless there is a :node.
//
// What the package is not: it judges nothing, and knows no server.
//
// Every mistake is said with its line and what was expected; up to [MaxMistakes] are
// gathered before reading ends.
package opfile
