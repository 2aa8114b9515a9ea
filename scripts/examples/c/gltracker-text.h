/* The text of lines and values. */
#ifndef GLTRACKER_TEXT_H
#define GLTRACKER_TEXT_H
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* The bytes of the letter that `text` begins with, if no value may hold it: a control character, a
 * separator of lines or a bidirectional control. Otherwise 0. */
static inline size_t gt_forbidden(const char *text) {
    const unsigned char *at = (const unsigned char *)text;
    if (at[0] < ' ' || at[0] == 127)
        return 1;
    if ((at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0) || (at[0] == 0xd8 && at[1] == 0x9c))
        return 2;
    if (at[0] == 0xe2 && at[1] == 0x80)
        return at[2] == 0x8e || at[2] == 0x8f || (at[2] >= 0xa8 && at[2] <= 0xae) ? 3 : 0;
    return at[0] == 0xe2 && at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9 ? 3 : 0;
}

/* Copies the whole letters that `to` has room for, with a space for each that is forbidden. Both
 * may be the same. */
static inline void gt_copy(char *to, size_t room, const char *text) {
    size_t used = 0;
    while (*text && used < room - 1) {
        size_t forbidden = gt_forbidden(text);
        to[used++] = forbidden ? ' ' : *text;
        text += forbidden ? forbidden : 1;
    }
    for (; (*text & 0xc0) == 0x80 && used > 0; used--)
        text--;
    to[used] = '\0';
}

/* Takes HOST, HOST:PORT or [IPv6]:PORT apart, in its place. False if it is none of these. */
static inline bool gt_take_apart(char *address, const char **host, const char **port) {
    bool is_in_brackets = *address == '[';
    char *end = address + strcspn(address, is_in_brackets ? "]" : ":");
    *host = address + is_in_brackets;
    if (is_in_brackets && *end)
        *end++ = '\0';
    if (*end == ':')
        *port = end + 1;
    else if (*end)
        return false;
    *end = '\0';
    return **host && **port && !(*port)[strspn(*port, "0123456789")];
}
#endif
