// Package admin is the commands about the server and the connections to it, not about keys:
// who the client is, what others send, what the server is, how long things take.
//
// It sees of the server what server.Call and server.Server export, and keeps no state but
// INFO's peak of memory.
package admin
