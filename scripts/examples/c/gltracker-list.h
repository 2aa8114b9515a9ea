/* The list of a gltracker. A client takes every line; what has come is the list at each END. */
#include "gltracker-words.h"

typedef struct {
    char (*at)[GT_LINE];
    size_t count, room;
} gt_lines;

/* All bits are 0 at first. */
typedef struct {
    gt_lines servers, news; /* the list, and what has come since the last END */
    bool has_changed;       /* with the last END */
    char revision[256], error[GT_LINE];
} gt_list;

static void gt_keep(gt_lines *lines, const char *line) {
    if (lines->count == lines->room) {
        lines->room = 2 * lines->room + 64;
        lines->at = realloc(lines->at, lines->room * sizeof *lines->at);
        if (!lines->at)
            abort();
    }
    strcpy(lines->at[lines->count++], line);
}

/* What a game server is known by. */
static void gt_address(const char *line, char address[GT_LINE]) {
    char ip[256] = "", port[256] = "";
    gt_value(line, "ip", ip);
    gt_value(line, "port", port);
    snprintf(address, GT_LINE, strchr(ip, ':') ? "[%s]:%s" : "%s:%s", ip, port);
}

/* Takes a line; true at the end of an answer. A list that does not end is an error. */
static bool gt_take_list(gt_list *self, const char *line) {
    char since[256], address[GT_LINE], other[GT_LINE];
    bool is_entry = gt_value(line, "ip", address) && gt_value(line, "port", other);
    bool is_whole = !gt_value(line, "since", since);
    gt_lines *servers = &self->servers;
    if (strncmp(line, "ERR ", 4) == 0)
        strcpy(self->error, line + 4);
    if (is_entry && gt_is_one_of(line, " INFOS GONE "))
        gt_keep(&self->news, line);
    if (self->news.count > 100000)
        strcpy(self->error, "that is no tracker: its list does not end");
    if (!gt_is_one_of(line, " END "))
        return false;
    self->has_changed = is_whole || self->news.count > 0;
    servers->count = is_whole ? 0 : servers->count;
    for (size_t i = 0; i < self->news.count; i++) {
        gt_address(self->news.at[i], address);
        for (size_t j = 0; j < servers->count && !is_whole; j++) {
            gt_address(servers->at[j], other);
            if (strcmp(address, other) == 0)
                memmove(servers->at[j--], servers->at[--servers->count], GT_LINE);
        }
        if (self->news.at[i][0] == 'I')
            gt_keep(servers, self->news.at[i]);
    }
    self->news.count = 0;
    if (!gt_value(line, "rev", self->revision))
        self->revision[0] = '\0';
    return true;
}

/* What was said before the connection was lost is no list. */
static void gt_forget_news(gt_list *self) {
    self->news.count = 0;
    self->error[0] = '\0';
}
