// Who is here, in words. One person with two tabs is one person.

export function describePresence(clients, me) {
  const people = new Map(clients.map(({ user, connInfo }) => [user, connInfo?.name ?? "Somebody"]));
  people.delete(me);
  const names = [...people.values()].sort((a, b) => a.localeCompare(b));
  switch (names.length) {
    case 0: return "Only you are here";
    case 1: return `You and ${names[0]} are here`;
    case 2: return `You, ${names[0]} and ${names[1]} are here`;
    default: return `You, ${names[0]}, ${names[1]} and ${names.length - 2} more are here`;
  }
}
