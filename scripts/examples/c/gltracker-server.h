/* Keeps a game server on the list of a gltracker: a game calls gt_step() in each of its frames. C
 * has no HMAC of its own, so this logs in with a password and not with a key. */
#include "gltracker-words.h"

/* All bits are 0 at first, except for link.host, link.port, password and tell. */
typedef struct {
    gt_link link;
    const char *password;
    void (*tell)(const char *what, const char *more); /* listed, checked, lost or refused */
    gt_fields fields;
    int udp_port;
    char asked[64]; /* what has no answer yet: Login, First INFOS, Number, Update, Quit */
    char error[GT_LINE];
    double since, heard, listed_at, spoke_at, back_at, delay;
    bool is_running, is_checking, is_leaving;
    char number[17], returned[64][17]; /* one that is to go back, and those that did */
    unsigned returned_count;
} gt_server;

/* Takes a datagram to the UDP port. True if `data` has become an answer, of the same length. */
static bool gt_datagram(gt_server *self, char *data, size_t size) {
    char number[17] = "";
    bool is_new = size == 26 && memcmp(data, "CHALLENGE ", 10) == 0;
    if (size > 5 && memcmp(data, "PING ", 5) == 0) {
        data[1] = 'O';
        return true;
    }
    memcpy(number, data + 10, is_new ? 16 : 0);
    for (int i = 0; i < 64; i++)
        is_new = is_new && strcmp(self->returned[i], number) != 0;
    if (is_new && strspn(number, "0123456789abcdef") == 16)
        memcpy(self->number, number, sizeof number);
    return false;
}

/* Says a line that is answered in its turn: a verb, a number and the fields that are due. */
static void gt_ask(gt_server *self, char what, const char *verb, const char *number) {
    char line[GT_WORDS];
    size_t count = strlen(self->asked);
    snprintf(line, sizeof line, "%s%s%s", verb, *number ? " " : "", number);
    if (what == 'F' || what == 'U')
        gt_add_fields(&self->fields, line, what == 'F');
    self->since = count > 0 ? self->since : gt_now();
    if (count < sizeof self->asked - 1)
        self->asked[count] = what, self->asked[count + 1] = '\0';
    gt_say(&self->link, line);
}

/* Takes a line; true if it is the last. Answers come in the order of the questions. */
static bool gt_take(gt_server *self, const char *line) {
    char verb[32] = "", first[64] = "", second[128] = "", words[GT_LINE], what = self->asked[0];
    bool is_error = strncmp(line, "ERR ", 4) == 0, is_checked = what == 'N' && !is_error;
    sscanf(line, "%31s %63s %127s", verb, first, second);
    bool is_mistake = is_error && self->listed_at > 0 && gt_is_one_of(line + 4, gt_mistakes);
    strcpy(self->error, is_error && !is_mistake ? line + 4 : ""); /* why, if it hangs up now */
    if (strcmp(verb, "PING") == 0) {
        snprintf(words, sizeof words, "PONG%s", line + 4);
        gt_say(&self->link, words);
    }
    if (strcmp(verb, "CHALLENGE") == 0 && what == 'L') {
        self->asked[0] = '\0';
        gt_ask(self, 'F', "INFOS", first);
    }
    if ((strcmp(verb, "OK") != 0 && !is_error) || !what || what == 'L')
        return false;
    memmove(self->asked, self->asked + 1, strlen(self->asked));
    if (what == 'F' || what == 'U')
        gt_settle(&self->fields, !is_error);
    if (!is_error)
        self->is_checking = strcmp(first, "checking") == 0;
    if (strcmp(first, "listed") == 0) {
        self->listed_at = self->listed_at > 0 ? self->listed_at : gt_now();
        self->tell("listed", second);
    }
    if (is_checked || (what == 'U' && is_error))
        self->tell(is_checked ? "checked" : "not taken:", is_checked ? "" : line + 4);
    return what == 'Q';
}

/* Comes back later; false if it never does. */
static bool gt_lose(gt_server *self, const char *reason) {
    bool was_named = self->listed_at == 0 && self->asked[0] != 'L';
    int least = gt_least_wait(self->error, was_named, self->udp_port);
    double now = gt_now(), wait;
    gt_close(&self->link);
    self->is_running = false;
    self->tell(least < 0 ? "refused" : "lost", self->error[0] ? self->error : reason);
    if (strncmp(self->error, "busy ", 5) == 0)
        gt_was_busy(&self->link);
    if (self->delay < 1 || (self->listed_at > 0 && now > self->listed_at + 60))
        self->delay = 1;
    wait = self->delay * (0.5 + gt_chance());
    self->back_at = now + (wait > least ? wait : least);
    self->delay = self->delay > 20 ? 40 : 2 * self->delay;
    return least >= 0;
}

/* Does what is due. False once it has left the list, or is refused for good. */
static bool gt_step(gt_server *self) {
    double now = gt_now();
    char line[GT_LINE], login[300];
    int got;
    bool may_speak;
    snprintf(login, sizeof login, "LOGIN %s", self->password);
    if (self->is_leaving && !self->link.has_heard)
        return gt_close(&self->link), false;
    if (!self->is_running && now < self->back_at)
        return true;
    if (!self->is_running) {
        self->is_running = true;
        self->is_checking = false;
        self->error[0] = self->number[0] = '\0';
        self->listed_at = 0;
        self->heard = self->since = now;
        strcpy(self->asked, "L");
        if (!gt_open(&self->link))
            return gt_lose(self, "the tracker's name has no address");
    }
    while ((got = gt_line(&self->link, login, line)) > 0) {
        self->heard = self->since = now;
        if (gt_take(self, line))
            return gt_close(&self->link), false;
    }
    if (got < 0)
        return gt_lose(self, gt_loss(&self->link));
    if (!self->link.has_heard)
        return true;
    if (now > self->heard + (self->is_checking ? 90 : 45) ||
        (self->asked[0] && now > self->since + 15))
        return gt_lose(self, "the tracker says nothing");
    may_speak = self->asked[0] != 'L' && now > self->spoke_at + 0.25;
    if (may_speak && self->number[0]) {
        self->spoke_at = now;
        memcpy(self->returned[self->returned_count++ % 64], self->number, sizeof self->number);
        gt_ask(self, 'N', "INFOS", self->number);
        self->number[0] = '\0';
    } else if (may_speak && self->listed_at > 0 && self->fields.have_changed &&
               !strchr(self->asked, 'U')) {
        self->spoke_at = now;
        gt_ask(self, 'U', "INFOS", "");
    }
    if (self->is_leaving && !strchr(self->asked, 'Q'))
        gt_ask(self, 'Q', "QUIT", "");
    return true;
}
