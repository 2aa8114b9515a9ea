// A game server, which stays on the list for as long as it runs.

package gltracker

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"strconv"
	"sync"
	"time"
)

// GameServer is kept on a list by Run.
type GameServer struct {
	Tracker
	Password, Key string // with a key, the password is its secret
	Port          int    // of UDP and of the game
	Fields        Fields // the others; is the game server's own from Run on
	Say           func(what string)
	Leave         chan struct{} // is closed to leave

	lock    sync.Mutex
	changes Fields // what is not told yet
}

// Update changes a field. Of several values within a tenth of a second the last is sent, and an
// empty one removes the field.
func (game *GameServer) Update(key, value string) {
	game.lock.Lock()
	defer game.lock.Unlock()
	game.changes = game.changes.with(Fields{key: value})
}

// tell makes the changes part of the fields, and returns them and what the fields were before.
func (game *GameServer) tell() (changes, before Fields) {
	game.lock.Lock()
	defer game.lock.Unlock()
	changes, before = game.changes, game.Fields
	game.changes, game.Fields = nil, before.with(changes)
	return changes, before
}

// introduction is the first INFOS, with which a number goes back.
func (game *GameServer) introduction(number string) string {
	game.tell()
	port := strconv.Itoa(game.Port)
	fields := game.Fields.with(Fields{"port": port})
	if game.Key != "" {
		mac := hmac.New(sha256.New, []byte(game.Password))
		fmt.Fprintf(mac, "%s %s %s", number, game.Key, port)
		fields["mac"] = fmt.Sprintf("%x", mac.Sum(nil))
	}
	for key, value := range fields {
		if value == "" {
			delete(fields, key)
		}
	}
	return "INFOS " + number + fields.String()
}

// Run returns nil once the game server has left the list, or the error that is final.
func (game *GameServer) Run() error {
	delay := time.Second
	for {
		s := session{game: game, asked: []string{"LOGIN"}}
		err := s.run()
		if err == nil {
			return nil
		}
		wasNamed := s.listedAt.IsZero() && !s.waits("LOGIN")
		wait, isBack := s.refusal.leastWait(wasNamed, game.Port)
		if !isBack {
			return err
		}
		game.Say("lost " + err.Error())
		if s.refusal.Code() == "busy" {
			game.WasBusy()
		}
		if !s.listedAt.IsZero() && time.Since(s.listedAt) > time.Minute {
			delay = time.Second
		}
		if grown := Varied(delay); grown > wait {
			wait = grown
		}
		select {
		case <-game.Leave:
			return nil
		case <-time.After(wait):
		}
		if delay *= 2; delay > 40*time.Second {
			delay = 40 * time.Second
		}
	}
}
