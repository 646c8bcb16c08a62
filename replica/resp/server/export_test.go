package server

import "net"

// ServeOne serves one connection to its end.
func (s *Server) ServeOne(nc net.Conn) { newConn(s, nc, 1).serve() }
