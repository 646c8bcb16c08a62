// Package script runs Lua scripts over one key: how locks are released, extended and
// counted.
//
//	source ─▶ gopher-lua's parser ─▶ checker ─▶ nodes ─▶ frame.run, within Decide ─▶ one write
//
// A script may compare and change one string key, without loops. So what it costs is bounded
// by its length, and by maxWork where values are large; and all it does to the key becomes
// one write. Whatever else a script says is refused before any of it is done, with the line
// and the reason. Of gopher-lua only the parser is used: its machine would run loops inside
// a step of the core.
//
// Invariants: a source has at most 16 KiB and nests at most 200 deep; what is remembered is
// bounded in number and in bytes; running twice over the same key comes to the same.
package script
