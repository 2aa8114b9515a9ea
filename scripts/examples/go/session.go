// One connection of a game server: what the tracker says, and what that means.

package gltracker

import (
	"errors"
	"net"
	"strings"
	"time"
)

// session is one connection of a game server.
type session struct {
	game       *GameServer
	conn       *Conn
	asked      []string // what has no answer yet, in order
	refusal    Refusal  // why the tracker hangs up, if it does now
	isChecking bool
	before     Fields            // the fields without the last update
	numbers    map[string]string // the latest of each sender, to be returned
	returned   map[string]bool

	listedAt, heard, since, returnedAt time.Time
}

// run returns nil once the game server has left.
func (s *session) run() error {
	login := s.game.Password
	if s.game.Key != "" {
		login = "name=" + s.game.Key
	}
	conn, err := s.game.Dial("LOGIN " + login)
	if err != nil {
		return err
	}
	lines := conn.Lines()
	defer conn.leave(lines)
	// Answers come from the address that was asked.
	local := conn.LocalAddr().(*net.TCPAddr)
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: local.IP, Port: s.game.Port, Zone: local.Zone})
	if err != nil {
		return err
	}
	defer udp.Close()
	datagrams, done := make(chan [2]string), make(chan struct{})
	defer close(done)
	go receive(udp, datagrams, done)
	s.conn, s.heard, s.since = conn, time.Now(), time.Now()
	s.numbers, s.returned = map[string]string{}, map[string]bool{}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case line, isOpen := <-lines:
			if !isOpen && s.refusal != "" {
				return s.refusal
			}
			if !isOpen {
				return errors.New("the tracker hung up")
			}
			if s.take(line) {
				return nil
			}
		case number := <-datagrams:
			if len(s.numbers) < 100 {
				s.numbers[number[0]] = number[1]
			}
		case now := <-tick.C:
			if err := s.speak(now); err != nil {
				return err
			}
		}
	}
}

// take takes a line; true if it is the last. Answers come in the order of the questions.
func (s *session) take(line string) bool {
	verb, rest, _ := strings.Cut(line, " ")
	words := strings.Split(rest+" ", " ") // two at least
	s.heard, s.since, s.refusal = time.Now(), time.Now(), ""
	switch verb {
	case "PING":
		s.conn.Say("PONG " + rest)
		return false
	case "CHALLENGE":
		if s.waits("LOGIN") {
			s.asked = nil
			s.ask("first INFOS", s.game.introduction(words[0]))
		}
		return false
	case "ERR":
		if refusal := Refusal(rest); s.listedAt.IsZero() || !refusal.isMistake() {
			s.refusal = refusal
		}
	case "OK":
	default:
		return false
	}
	if len(s.asked) == 0 || s.asked[0] == "LOGIN" {
		return false
	}
	what := s.asked[0]
	s.asked = s.asked[1:]
	s.isChecking = words[0] == "checking" || s.isChecking && verb == "ERR"
	if words[0] == "listed" {
		if s.listedAt.IsZero() {
			s.listedAt = time.Now()
		}
		s.game.Say("listed " + words[1])
	}
	switch {
	case what == "update" && verb == "ERR":
		s.game.Fields = s.before
		s.game.Say("not taken: " + rest)
	case what == "number" && verb == "OK":
		s.game.Say("checked")
	}
	return what == "QUIT"
}
