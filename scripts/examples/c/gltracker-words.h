/* The words in the lines of a gltracker: values and errors. */
#ifndef GLTRACKER_WORDS_H
#define GLTRACKER_WORDS_H
#include "gltracker.h"

/* Puts ` key=value` behind what is in `line`, in quotes if it must be, if there is room for it. */
static inline void gt_add(char line[GT_WORDS], const char *key, const char *value) {
    bool is_quoted = value && strpbrk(value, " \"");
    char *out = line + strlen(line);
    if (strlen(key) + 2 * strlen(value ? value : "") + 5 > (size_t)(line + GT_WORDS - out))
        return;
    out += sprintf(out, " %s%s%s", key, value ? "=" : "", is_quoted ? "\"" : "");
    for (; value && *value; value++) {
        if (is_quoted && strchr("\"\\", *value))
            *out++ = '\\';
        *out++ = (unsigned char)*value < ' ' || *value == 127 ? ' ' : *value; /* no LF in a line */
    }
    strcpy(out, is_quoted ? "\"" : "");
}

/* The fields of a game server, and what they were before the last change. */
typedef struct {
    struct {
        char key[33], value[256], before[256];
        enum { GT_TOLD, GT_CHANGED, GT_ASKED } state;
    } all[32];
    int count;
    bool have_changed;
} gt_fields;

/* An empty value removes a field. */
static inline void gt_set(gt_fields *fields, const char *key, const char *value) {
    int i = 0;
    while (i < fields->count && strcmp(fields->all[i].key, key) != 0)
        i++;
    if (i == 32)
        return;
    fields->count += i == fields->count;
    if (fields->all[i].state == GT_TOLD)
        strcpy(fields->all[i].before, fields->all[i].value);
    snprintf(fields->all[i].key, sizeof fields->all[i].key, "%s", key);
    snprintf(fields->all[i].value, sizeof fields->all[i].value, "%s", value);
    fields->all[i].state = GT_CHANGED;
    fields->have_changed = true;
}

/* Puts all fields behind what is in `line`, or those that have changed. */
static inline void gt_add_fields(gt_fields *fields, char line[GT_WORDS], bool is_first) {
    for (int i = 0; i < fields->count; i++) {
        if (is_first ? fields->all[i].value[0] != '\0' : fields->all[i].state == GT_CHANGED)
            gt_add(line, fields->all[i].key, fields->all[i].value);
        fields->all[i].state = fields->all[i].state == GT_CHANGED ? GT_ASKED : GT_TOLD;
    }
    fields->have_changed = false;
}

/* The tracker took what was asked, or did not: then it still has what was before. */
static inline void gt_settle(gt_fields *fields, bool is_taken) {
    for (int i = 0; i < fields->count; i++) {
        if (fields->all[i].state != GT_ASKED)
            continue;
        if (!is_taken)
            strcpy(fields->all[i].value, fields->all[i].before);
        fields->all[i].state = GT_TOLD;
    }
}

/* The value of a key in a line, without its quotes; false if it has no such key. */
static inline bool gt_value(const char *line, const char *key, char value[256]) {
    size_t length = strlen(key), used = 0;
    while (*(line += strcspn(line, " ")) == ' ') {
        bool is_it = strncmp(++line, key, length) == 0 && line[length] == '=', is_quoted;
        line += strcspn(line, "= ");
        line += *line == '=';
        is_quoted = *line == '"';
        for (line += is_quoted; *line && *line != (is_quoted ? '"' : ' '); line++) {
            line += is_quoted && *line == '\\' && line[1];
            if (is_it && used < 256 - 1)
                value[used++] = *line;
        }
        if (is_it)
            return value[used] = '\0', true;
    }
    return false;
}

/* The seconds that the text of an error asks to wait; 0 if it does not. */
static inline int gt_wait_in(const char *error) {
    int seconds = 0;
    while ((error = strstr(error, "wait ")) != NULL)
        if (sscanf(error += 5, "%4d s", &seconds) == 1)
            return seconds;
    return 0;
}

/* Seconds that a game server waits at least after an error; -1 if the error is final. */
static inline int gt_least_wait(const char *error, bool is_first_infos, int udp_port) {
    static const char finals[] = " unknown-command bad-syntax line-too-long not-text bad-value"
                                 " bad-ip bad-password taken banned ";
    char code[40] = " ";
    if (strstr(error, "PROXY header"))
        return 60;
    if (gt_wait_in(error) > 0)
        return gt_wait_in(error);
    if (strstr(error, "took over"))
        return 600;
    if (sscanf(error, "%30s", code + 1) == 1 && strstr(finals, strcat(code, " ")))
        return -1;
    if (strcmp(code, " unreachable ") == 0)
        return udp_port < 1024 ? -1 : 60;
    return strcmp(code, " too-many ") != 0 ? 0 : is_first_infos ? 60 : 5;
}
#endif
