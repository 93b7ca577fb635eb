import { Option } from 'commander'

/** Where the embedded log, registry and lake live. */
export const folderOption = () => new Option('--data <folder>', 'folder of the embedded log and lake').env('MILLRACE_DATA').default('.millrace')
