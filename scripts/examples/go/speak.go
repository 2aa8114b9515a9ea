// What a game server says, and when.

package gltracker

import (
	"errors"
	"time"
)

// speak says what there is to say, unless the tracker is gone.
func (s *session) speak(now time.Time) error {
	silence := 45 * time.Second
	if s.isChecking {
		silence = 90 * time.Second
	}
	isLate := len(s.asked) > 0 && now.Sub(s.since) > 15*time.Second
	if isLate || now.Sub(s.heard) > silence {
		return errors.New("the tracker says nothing")
	}
	isNew := s.waits("LOGIN")
	for sender, number := range s.numbers {
		if isNew || now.Sub(s.returnedAt) < time.Second/4 {
			break
		}
		delete(s.numbers, sender)
		if !s.returned[number] {
			s.returned[number], s.returnedAt = true, now
			s.ask("number", "INFOS "+number)
		}
	}
	if !s.listedAt.IsZero() && !s.waits("update") {
		changes, before := s.game.tell()
		if s.before = before; len(changes) > 0 {
			s.ask("update", "INFOS"+changes.String())
		}
	}
	select {
	case <-s.game.Leave:
		if !s.waits("QUIT") {
			s.ask("QUIT", "QUIT")
		}
	default:
	}
	return nil
}

// waits is true if that has no answer yet.
func (s *session) waits(what string) bool {
	for _, asked := range s.asked {
		if asked == what {
			return true
		}
	}
	return false
}

// ask says a line that is answered in its turn.
func (s *session) ask(what, line string) {
	if len(s.asked) == 0 {
		s.since = time.Now()
	}
	s.asked = append(s.asked, what)
	s.conn.Say(line)
}
