/** Whether the tree and the node are one after the other: as page.css has it. */
export const isNarrow = () => matchMedia('(max-width: 50rem)').matches;
