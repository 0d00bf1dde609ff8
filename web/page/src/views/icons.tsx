// Small drawings. They say nothing by themselves: a label stands beside each, or it is hidden from screen readers.

import type { ComponentChildren } from "preact";

function Icon({ children, size = 20 }: { children: ComponentChildren; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

export const BackIcon = () => <Icon><path d="M15 5l-7 7 7 7" /></Icon>;
export const SendIcon = () => <Icon><path d="M5 12h13M12.500 6l6 6-6 6" /></Icon>;
export const PersonPlusIcon = () => <Icon><circle cx="10" cy="8" r="3.500" /><path d="M3.500 19.500c.5-4 3-6 6.500-6s6 2 6.500 6M19 8v6M16 11h6" /></Icon>;
export const GroupIcon = () => <Icon><circle cx="9" cy="8" r="3.200" /><path d="M2.800 19c.4-3.800 2.800-5.700 6.200-5.700s5.800 1.900 6.200 5.700M15.500 5.200a3.200 3.200 0 0 1 0 5.700M17.500 13.800c2.200.6 3.500 2.300 3.700 5.200" /></Icon>;
export const InfoIcon = () => <Icon><circle cx="12" cy="12" r="8.500" /><path d="M12 11v5M12 8v.01" /></Icon>;
export const MoreIcon = () => <Icon size={18}><path d="M6 12h.01M12 12h.01M18 12h.01" stroke-width="3" /></Icon>;
export const DownIcon = () => <Icon><path d="M6 9.500l6 6 6-6" /></Icon>;
export const CloseIcon = () => <Icon size={18}><path d="M6 6l12 12M18 6L6 18" /></Icon>;
export const OfflineIcon = () => <Icon size={16}><path d="M4 4l16 16M8.500 15.500a5 5 0 0 1 7 0M5.500 12a10 10 0 0 1 4-2.300M14.500 9.700a10 10 0 0 1 4 2.300M12 19v.01" /></Icon>;

export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 64 64" aria-hidden="true" focusable="false">
      <rect class="logo-ground" width="64" height="64" rx="16" />
      <path class="logo-front" d="M14 22a8 8 0 0 1 8-8h16a8 8 0 0 1 8 8v8a8 8 0 0 1-8 8H27l-8 7v-7.600A8 8 0 0 1 14 30z" />
      <path class="logo-back" d="M50 29v11a8 8 0 0 1-5 7.400V53l-7-5H28" />
    </svg>
  );
}

/** What has become of one's own message. */
export function Ticks({ status }: { status: "sending" | "sent" | "delivered" | "read" }) {
  const label = { sending: "Sending", sent: "Sent", delivered: "Delivered", read: "Read" }[status];
  return (
    <span class={`ticks ticks-${status}`} role="img" aria-label={label} title={label}>
      <svg width="18" height="14" viewBox="0 0 18 14" aria-hidden="true" focusable="false">
        {status === "sending" && <path d="M9 2.500a4.500 4.500 0 1 1 0 9 4.500 4.500 0 0 1 0-9M9 4.800V7l1.500 1" />}
        {status === "sent" && <path d="M4.500 7.500l3 3 6-7" />}
        {(status === "delivered" || status === "read") && <path d="M1.500 7.500l3 3 6-7M8.300 9.300l1.200 1.200 6-7" />}
      </svg>
    </span>
  );
}
